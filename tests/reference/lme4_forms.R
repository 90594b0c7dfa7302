# Makes lme4_forms.json: lme4's results, run to a tight optimum, for forms that the course's own models do not
# have. Run from tests/reference with R and the packages lme4 and jsonlite:  Rscript lme4_forms.R
library(lme4)
root <- "../../data/"
sleep <- read.csv(paste0(root, "sleepstudy.csv"))
math <- merge(read.csv(paste0(root, "mathachieve.csv")), read.csv(paste0(root, "mathachieve_school.csv")))
math$half <- ifelse(as.integer(sub("p", "", math$pupil)) %% 2 == 0, "even", "odd")
classroom <- read.csv(paste0(root, "classroom.csv"))
blp <- read.csv(paste0(root, "blp.csv"))
pastes <- read.csv("data/Pastes.csv")
cbpp <- read.csv("data/cbpp.csv")
sleep$w <- 1 + sleep$Days %% 3
sleep$known <- 5 * sleep$Days
math$high <- as.integer(math$mathach > 15)
math$count <- round(pmax(math$mathach, 0))
frames <- list(sleepstudy = sleep, math = math, classroom = classroom, blp = blp, Pastes = pastes, cbpp = cbpp)

cases <- list(
  list("factor_slope", "math", "mathach ~ sex + (sex|school)"),
  list("factor_slope_ml", "math", "mathach ~ sex*ses + (sex|school)", reml = FALSE),
  list("factor_cells", "math", "mathach ~ sex + (0 + sex|school)"),
  list("factor_of_three", "cbpp", "prop ~ period + (1|herd)", reml = FALSE),
  list("three_levels", "math", "mathach ~ ses + (1|sector/school/half)"),
  list("three_levels_slopes", "math", "mathach ~ ses + (ses|school/half)"),
  list("nested_slopes_ml", "classroom", "mathscore ~ ses + (ses|schoolid/classid2)", reml = FALSE),
  list("crossed_slopes", "blp", "rt ~ nletters + (nletters|participant) + (1|spelling)"),
  list("crossed_centred", "blp", "rt ~ scale(old20) + (scale(old20)|participant) + (1|spelling)", reml = FALSE),
  list("two_terms_one_group", "sleepstudy", "Reaction ~ Days + (1|Subject) + (0 + Days|Subject)", reml = FALSE),
  list("weights", "sleepstudy", "Reaction ~ Days + (Days|Subject)", weights = "w"),
  list("offset", "sleepstudy", "Reaction ~ Days + (Days|Subject)", offset = "known", reml = FALSE),
  list("transform", "sleepstudy", "log(Reaction) ~ Days + I(Days^2) + (Days|Subject)"),
  list("polynomial", "sleepstudy", "Reaction ~ poly(Days, 2) + (poly(Days, 2)|Subject)"),
  list("no_fixed_intercept", "sleepstudy", "Reaction ~ 0 + Days + (1 + Days|Subject)"),
  list("crossed_with_nested", "math", "mathach ~ ses + (1|school) + (1|school:half) + (1|minority:sex)"),
  list("poisson_terms", "math", "count ~ ses*sex + (1|school) + (1|school:half)", family = "poisson"),
  list("poisson_slope", "math", "count ~ ses + (ses|school)", family = "poisson"),
  list("binary", "math", "high ~ ses + sex + (1|school)", family = "binomial"),
  list("binary_slope", "math", "high ~ ses + (ses|school)", family = "binomial"),
  list("binary_agq", "math", "high ~ ses + (1|school)", family = "binomial", nAGQ = 7),
  list("probit", "cbpp", "cbind(incidence, size - incidence) ~ period + (1|herd)", family = "binomial", link = "probit"),
  list("cloglog", "cbpp", "cbind(incidence, size - incidence) ~ period + (1|herd)", family = "binomial", link = "cloglog"),
  list("proportions", "cbpp", "prop ~ period + (1|herd)", family = "binomial", weights = "size"),
  list("crossed_binary", "blp", "slow ~ 1 + (1|participant) + (1|spelling)", family = "binomial"),
  list("gamma_log", "sleepstudy", "Reaction ~ Days + (1|Subject)", family = "Gamma", link = "log")
)
frames$blp$slow <- as.integer(frames$blp$rt > 600)

tight <- list(reltol = 0, abstol = 0)
fit_case <- function(it) {
  data <- frames[[it[[2]]]]
  formula <- as.formula(it[[3]])
  weights <- if (is.null(it$weights)) NULL else data[[it$weights]]
  offset <- if (is.null(it$offset)) NULL else data[[it$offset]]
  data$.w <- if (is.null(weights)) rep(1, nrow(data)) else weights
  data$.o <- if (is.null(offset)) rep(0, nrow(data)) else offset
  optimum <- list(ftol_abs = 1e-14, xtol_abs = 1e-12, xtol_rel = 0, ftol_rel = 0, maxeval = 100000)
  if (is.null(it$family)) {
    control <- lmerControl(optimizer = "nloptwrap", optCtrl = optimum, calc.derivs = FALSE, check.conv.singular = "ignore")
    m <- lmer(formula, data, REML = is.null(it$reml), weights = .w, offset = .o, control = control)
    for (k in 1:3) m <- update(m, start = getME(m, "theta"))
  } else {
    family <- do.call(it$family, if (is.null(it$link)) list() else list(link = it$link))
    nodes <- if (is.null(it$nAGQ)) 1 else it$nAGQ
    control <- glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 1e5, rhoend = 1e-9), tolPwrss = 1e-11)
    m <- glmer(formula, data, family = family, weights = .w, offset = .o, nAGQ = nodes, control = control)
  }
  vc <- as.data.frame(VarCorr(m))
  list(
    id = it[[1]], data = it[[2]], formula = it[[3]], reml = is.null(it$family) && is.null(it$reml),
    family = it$family, link = it$link, n_agq = it$nAGQ, weights = it$weights, offset = it$offset,
    nobs = nobs(m), fixef = as.list(fixef(m)), se = as.list(sqrt(diag(as.matrix(vcov(m))))),
    sdcor = vc$sdcor, sigma = sigma(m), theta = getME(m, "theta"),
    criterion = if (isREML(m)) REMLcrit(m) else -2 * as.numeric(logLik(m)), singular = isSingular(m)
  )
}
out <- lapply(cases, function(it) { cat(it[[1]], "\n"); suppressWarnings(suppressMessages(fit_case(it))) })
jsonlite::write_json(out, "lme4_forms.json", digits = NA, auto_unbox = TRUE, null = "null", pretty = TRUE)
