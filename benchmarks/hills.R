# lme4's estimates of the sets of hills.py from three starts: Rscript hills.R data.csv out.csv
suppressMessages(library(lme4))
options(warn = -1)
paths <- commandArgs(trailingOnly = TRUE)
sets <- read.csv(paths[1])
control <- glmerControl(
  optimizer = "bobyqa", tolPwrss = 1e-12, calc.derivs = FALSE, check.nobs.vs.nRE = "ignore",
  check.nobs.vs.nlev = "ignore", check.nobs.vs.rankZ = "ignore", check.conv.singular = "ignore"
)

estimates <- function(one, start) tryCatch({
  formula <- as.formula(one$formula[1])
  modular <- suppressMessages(glFormula(formula, one, family = one$family[1], control = control))
  theta <- start * getME(suppressMessages(lmer(formula, one, control = lmerControl(
    optimizer = NULL, calc.derivs = FALSE, check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore",
    check.nobs.vs.rankZ = "ignore"))), "theta")
  fit <- suppressMessages(glmer(formula, one, family = one$family[1], control = control, start = theta))
  data.frame(
    what = rep(c("theta", "beta"), c(length(theta), length(fixef(fit)))), value = c(getME(fit, "theta"), fixef(fit)),
    set = one$set[1], start = start
  )
}, error = function(e) NULL)

found <- lapply(split(sets, sets$set), function(one) do.call(rbind, lapply(c(0.1, 1, 3), estimates, one = one)))
write.csv(do.call(rbind, found), paths[2], row.names = FALSE)
