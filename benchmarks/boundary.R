# lme4's REML criteria for the small data sets: Rscript boundary.R data.csv out.csv
suppressMessages(library(lme4))
options(warn = -1)
paths <- commandArgs(trailingOnly = TRUE)
sets <- read.csv(paths[1])
lenient <- list(calc.derivs = FALSE, check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore")
default <- do.call(lmerControl, lenient)
tight <- do.call(lmerControl, c(lenient, optimizer = "bobyqa", list(optCtrl = list(rhoend = 1e-9, maxfun = 1e5))))

criteria <- sapply(split(sets, sets$set), function(one) {
  formula <- as.formula(one$formula[1])
  sapply(list(default, tight), function(control) suppressMessages(REMLcrit(lmer(formula, one, control = control))))
})
write.csv(data.frame(default = criteria[1, ], tight = criteria[2, ]), paths[2], row.names = FALSE)
