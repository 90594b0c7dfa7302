# lme4's −2 log likelihoods, or REML criteria, of random models: Rscript laws.R data.csv out.csv
suppressMessages(library(lme4))
options(warn = -1)
paths <- commandArgs(trailingOnly = TRUE)
sets <- read.csv(paths[1])
lenient <- list(calc.derivs = FALSE, check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore", check.conv.singular = "ignore")
controls <- function(control, tight) lapply(
  list(list(), c(tight, optimizer = "bobyqa", list(optCtrl = list(rhoend = 1e-9, maxfun = 1e5))),
       c(tight, optimizer = "Nelder_Mead", list(optCtrl = list(maxfun = 1e5, FtolAbs = 1e-9, XtolRel = 1e-9)))),
  function(more) do.call(control, c(lenient, more)))
linear <- controls(lmerControl, list())
generalized <- controls(glmerControl, list(tolPwrss = 1e-12))

criterion <- function(one, k) tryCatch(suppressMessages({
  formula <- as.formula(one$formula[1])
  kind <- one$kind[1]
  one$weight <- if (as.logical(one$weighted[1])) one$w else rep(1, nrow(one))
  fit <- if (kind %in% c("reml", "ml")) lmer(formula, one, REML = kind == "reml", weights = weight, control = linear[[k]])
         else glmer(formula, one, kind, control = generalized[[k]])
  as.numeric(-2 * logLik(fit))
}), error = function(e) NA)
found <- t(sapply(split(sets, sets$set), function(one) sapply(1:3, function(k) criterion(one, k))))
write.csv(as.data.frame(found), paths[2], row.names = FALSE)
