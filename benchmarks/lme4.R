# One case fitted by lme4 with its defaults, in a process of its own; prints a line of JSON.
# Rscript lme4.R frame.csv formula family n_agq
suppressMessages(library(lme4))
options(warn = -1)
arguments <- commandArgs(trailingOnly = TRUE)
frame <- read.csv(arguments[1], stringsAsFactors = TRUE)
formula <- as.formula(arguments[2])
n_agq <- as.integer(arguments[4])

fit_once <- function() {
  if (arguments[3] == "gaussian") return(suppressMessages(lmer(formula, frame)))
  suppressMessages(glmer(formula, frame, family = arguments[3], nAGQ = n_agq))
}

times <- c()
begin <- proc.time()[["elapsed"]]
repeat {
  taken <- sum(system.time(fit <- fit_once())[c("user.self", "sys.self")])
  times <- c(times, taken)
  if (length(times) >= 6 || taken > 4 || (length(times) >= 2 && proc.time()[["elapsed"]] - begin > 2)) break
}
criterion <- if (arguments[3] == "gaussian") REMLcrit(fit) else -2 * as.numeric(logLik(fit))
status <- readLines("/proc/self/status")
peak <- as.numeric(gsub("\\D", "", grep("^VmHWM", status, value = TRUE))) / 1024
warm <- if (length(times) > 1) min(times[-1]) else times
cat(sprintf('{"seconds": %.6f, "criterion": %.10f, "peak_mb": %.1f}\n', warm, criterion, peak))
