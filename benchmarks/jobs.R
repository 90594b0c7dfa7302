# What is asked of a fit, by R's packages, in a process of its own; prints a line of JSON.
# Rscript jobs.R key frame.csv
suppressMessages(library(lmerTest))
options(warn = -1)
arguments <- commandArgs(trailingOnly = TRUE)
frame <- read.csv(arguments[2], stringsAsFactors = TRUE)
quiet <- function(x) suppressMessages(suppressWarnings(x))
slopes <- function(data) quiet(lme4::lmer(Reaction ~ Days + (Days | Subject), data))

# A study of so many people like those of the model: copies of them, with new effects and residuals.
resized <- function(fit, people) {
  first <- subset(frame, Subject %in% levels(Subject)[1])
  data <- do.call(rbind, lapply(seq_len(people), function(j) transform(first, Subject = sprintf("s%02d", j))))
  beta <- c(lme4::fixef(fit)[1], Days = 5)
  data$Reaction <- simulate(~ Days + (Days | Subject), newdata = data, family = gaussian,
    newparams = list(beta = beta, theta = lme4::getME(fit, "theta"), sigma = sigma(fit)), nsim = 1)[[1]]
  data
}

jobs <- list(
  bootstrap = function() {
    fit <- slopes(frame)
    list("lme4", function() sd(lme4::bootMer(fit, lme4::fixef, nsim = 1000, seed = 1)$t[, 2]))
  },
  refits = function() {
    fit <- quiet(lme4::glmer(used ~ age + age2 + urban + livch + (1 | district), frame, family = binomial))
    Y <- simulate(fit, 200, seed = 1)
    list("lme4", function() sd(sapply(Y, function(y) lme4::fixef(quiet(lme4::refit(fit, y)))["age"])))
  },
  profile = function() {
    fit <- slopes(frame)
    list("lme4", function() quiet(confint(profile(fit)))["Days", 1])
  },
  kenward_roger = function() {
    fit <- quiet(lmer(mathach ~ ses * himinty + (ses | school), frame))
    list("lmerTest and pbkrtest", function() summary(fit, ddf = "Kenward-Roger")$coefficients["ses", "df"])
  },
  power = function() {
    fit <- slopes(frame)
    rejects <- function(people) {
      study <- resized(fit, people)  # lmerTest evaluates the call again, and must find the same responses
      one <- quiet(lmer(Reaction ~ Days + (Days | Subject), study))
      summary(one)$coefficients["Days", "Pr(>|t|)"] < 0.05
    }
    list("lmerTest", function() mean(sapply(c(6, 10, 14, 18, 24, 36), function(people)
      mean(replicate(100, rejects(people))))[1]))
  }
)

if (!arguments[1] %in% names(jobs)) {
  cat('{"error": "–"}\n')
} else {
  job <- jobs[[arguments[1]]]()
  seconds <- sum(system.time(value <- job[[2]]())[c("user.self", "sys.self")])
  cat(sprintf('{"seconds": %.6f, "value": %.10f, "package": "%s"}\n', seconds, value, job[[1]]))
}
