# Makes families.json: fits of the families that lme4 has no likelihood of, by glmmTMB (mixed), MASS::glm.nb and glm
# (flat). Run in tests/reference with R and the packages glmmTMB, MASS and jsonlite:  Rscript families.R
suppressMessages({library(glmmTMB); library(MASS); library(jsonlite)})
course <- "../../data/"; old <- "data/"; own <- "own/"
sleep <- read.csv(paste0(course, "sleepstudy.csv")); sleep$Subject <- factor(sleep$Subject)
blp <- read.csv(paste0(course, "blp.csv"))
math <- merge(read.csv(paste0(course, "mathachieve.csv")), read.csv(paste0(course, "mathachieve_school.csv")))
math$count <- round(pmax(math$mathach, 0))
alcohol <- read.csv(paste0(course, "alcohol.csv")); alcohol$drinks <- round(alcohol$alcohol); alcohol$year <- factor(alcohol$year)
cbpp <- read.csv(paste0(old, "cbpp.csv")); cbpp$herd <- factor(cbpp$herd); cbpp$period <- factor(cbpp$period); cbpp$w <- 1 + cbpp$size %% 3
cbpp$logsize <- log(cbpp$size)
epi <- read.csv(paste0(own, "epilepsy.csv")); epi$treatment <- relevel(factor(epi$treatment), "placebo")
ticks <- read.csv(paste0(course, "grouseticks.csv")); ticks$h <- ticks$height - mean(ticks$height); ticks$year <- factor(ticks$year)
lex <- read.csv(paste0(own, "lexnaming.csv")); lex$task <- factor(lex$task, c("naming", "lexdec"))
frames <- list(sleepstudy = sleep, blp = blp, math = math, alcohol = alcohol, cbpp = cbpp, epilepsy = epi, grouseticks = ticks, lexnaming = lex)
families <- list("nbinom" = nbinom2(), "nbinom(sqrt)" = nbinom2("sqrt"), "gamma" = Gamma(), "gamma(log)" = Gamma("log"), "gaussian(log)" = gaussian("log"))

cases <- list(
  list("nbinom_subject", "epilepsy", "seizures ~ treatment + log(base) + log(age) + period + (1 | subject)", "nbinom"),
  list("nbinom_slope", "epilepsy", "seizures ~ treatment * period + (period | subject)", "nbinom"),
  list("nbinom_uncorrelated", "epilepsy", "seizures ~ treatment * period + (period || subject)", "nbinom"),
  list("nbinom_sqrt", "epilepsy", "seizures ~ treatment + base + (1 | subject)", "nbinom(sqrt)"),
  list("nbinom_nested", "grouseticks", "ticks ~ year + h + (1 | location/brood)", "nbinom"),
  list("nbinom_offset", "cbpp", "incidence ~ period + (1 | herd)", "nbinom", offset = "logsize"),
  list("nbinom_weights", "cbpp", "incidence ~ period + (1 | herd)", "nbinom", weights = "w"),
  list("nbinom_crossed", "alcohol", "drinks ~ 1 + (1 | country) + (1 | year)", "nbinom"),
  list("nbinom_schools", "math", "count ~ ses + (ses | school)", "nbinom"),
  list("gamma_crossed", "blp", "rt ~ nletters + (1 | participant) + (1 | spelling)", "gamma(log)"),
  list("gamma_slope", "sleepstudy", "Reaction ~ Days + (Days | Subject)", "gamma(log)"),
  list("gamma_inverse", "sleepstudy", "Reaction ~ Days + (1 | Subject)", "gamma"),
  list("gamma_items", "lexnaming", "rt ~ task + (1 | id) + (1 | item)", "gamma(log)"),
  list("gaussian_log", "sleepstudy", "Reaction ~ Days + (1 | Subject)", "gaussian(log)"),
  list("gaussian_log_slope", "sleepstudy", "Reaction ~ Days + (Days | Subject)", "gaussian(log)"))

run <- function(case) {
  d <- frames[[case[[2]]]]
  args <- list(formula = as.formula(case[[3]]), data = d, family = families[[case[[4]]]])
  if (!is.null(case$offset)) args$offset <- d[[case$offset]]
  if (!is.null(case$weights)) args$weights <- d[[case$weights]]
  args$control <- glmmTMBControl(optCtrl = list(rel.tol = 1e-14, x.tol = 1e-12, iter.max = 5000, eval.max = 5000))
  m <- do.call(glmmTMB, args)
  v <- VarCorr(m)$cond
  sds <- unlist(lapply(names(v), function(g) setNames(as.list(attr(v[[g]], "stddev")), paste0(names(attr(v[[g]], "stddev")), "|", g))), recursive = FALSE)
  list(id = case[[1]], data = case[[2]], formula = case[[3]], family = case[[4]], offset = case$offset, weights = case$weights,
       fixef = as.list(fixef(m)$cond), se = as.list(sqrt(diag(vcov(m)$cond))), sd = sds, sigma = sigma(m), loglik = as.numeric(logLik(m)),
       gradient = max(abs(m$obj$gr(m$fit$par))), df = attr(logLik(m), "df"))
}
flat <- function(id, data, formula, family, m, size = NULL) list(id = id, data = data, formula = formula, family = family,
  fixef = as.list(coef(m)), se = as.list(sqrt(diag(vcov(m)))), size = size, dispersion = if (is.null(size)) summary(m)$dispersion, loglik = as.numeric(logLik(m)), aic = AIC(m))
nb <- function(f, d, ...) glm.nb(f, d, control = glm.control(epsilon = 1e-14, maxit = 500), ...)
tight <- glm.control(epsilon = 1e-14, maxit = 500)
n1 <- nb(seizures ~ treatment + log(base), epi); n2 <- nb(incidence ~ period + offset(log(size)), cbpp); n3 <- nb(drinks ~ 1, alcohol)
g1 <- glm(rt ~ task, inverse.gaussian("log"), lex, control = tight); g2 <- glm(rt ~ task, inverse.gaussian, lex, control = tight)
out <- list(versions = list(glmmTMB = as.character(packageVersion("glmmTMB")), R = as.character(getRversion())),
  mixed = lapply(cases, run),
  flat = list(
    flat("nb_epilepsy", "epilepsy", "seizures ~ treatment + log(base)", "nbinom", n1, n1$theta),
    c(flat("nb_offset", "cbpp", "incidence ~ period", "nbinom", n2, n2$theta), offset = "logsize"),
    flat("nb_alcohol", "alcohol", "drinks ~ 1", "nbinom", n3, n3$theta),
    flat("ig_log", "lexnaming", "rt ~ task", "inverse.gaussian(log)", g1),
    flat("ig", "lexnaming", "rt ~ task", "inverse.gaussian", g2)))
write(toJSON(out, digits = 12, auto_unbox = TRUE, null = "null", pretty = TRUE), "families.json")
for (m in out$mixed) cat(m$id, m$loglik, m$gradient, unlist(m$sd), m$sigma, "\n")
