# Reference values for tests of margins, contrasts, slopes, tests of terms and drop1, from lmerTest, emmeans and car.
# Run in tests/reference: Rscript margins.R. The data are simulated here (RNG of R >= 3.6) and written to margins/.
suppressMessages({library(lme4); library(lmerTest); library(emmeans); library(car); library(jsonlite)})
emm_options(msg.interaction = FALSE, msg.nesting = FALSE)
tight <- lmerControl(optimizer="bobyqa", optCtrl=list(rhoend=1e-12, maxfun=1e5), check.conv.singular="ignore")
gtight <- glmerControl(optimizer="bobyqa", tolPwrss=1e-13, optCtrl=list(rhoend=1e-11, maxfun=1e5))
keep <- function(d, name) { write.csv(d, sprintf("margins/%s.csv", name), row.names=FALSE); read.csv(sprintf("margins/%s.csv", name), stringsAsFactors=FALSE) }

# -- the data ------------------------------------------------------------------------------------------------------
set.seed(20)
field <- expand.grid(plot=1:16, a=c("a1","a2","a3"), b=c("b1","b2"), c=c("c1","c2","c3"))
field$x <- round(rnorm(nrow(field), 3, 1), 3); field$w <- sample(1:4, nrow(field), TRUE)
field$y <- with(field, round(5 + as.integer(a)*.8 - (b=="b2")*(a=="a3") + .3*x*as.integer(b) + (c=="c2")*.5 + rnorm(16)[plot] + rnorm(nrow(field)), 4))
field <- keep(field[sort(sample(nrow(field), 190)),], "field")
for (f in c("a","b","c","plot")) field[[f]] <- factor(field[[f]])

chicks <- expand.grid(time=c(0,2,4,7,10,14), chick=1:24); chicks$diet <- paste0("d", 1 + chicks$chick %% 4)
chicks$dose <- c("low","mid","high")[1 + (chicks$chick %/% 4) %% 3]
u <- cbind(rnorm(24, 0, 4), rnorm(24, 0, .8))
chicks$weight <- with(chicks, round(40 + 3*time + .12*time^2 + (diet=="d3")*time*1.1 + u[chick,1] + u[chick,2]*time + rnorm(nrow(chicks), 0, 3), 2))
chicks <- keep(chicks[-c(6, 11, 12, 30, 59, 60, 77, 101, 120, 144),], "chicks")
chicks$diet <- factor(chicks$diet); chicks$chick <- factor(chicks$chick); chicks$dose <- factor(chicks$dose, c("low","mid","high"))
chicks$odose <- factor(chicks$dose, ordered=TRUE)

empty <- subset(field, !(a=="a3" & b=="b2")); empty <- keep(empty[c("plot","a","b","c","x","y")], "empty")
for (f in c("a","b","c","plot")) empty[[f]] <- factor(empty[[f]])

ward <- expand.grid(week=0:4, ward=1:20); ward$arm <- ifelse(ward$ward %% 2 == 1, "control", "treated"); ward$size <- c("small","large","large")[1 + ward$ward %% 3]
ward$days <- sample(20:90, nrow(ward), TRUE); ward$beds <- round(exp(rnorm(nrow(ward), 3, .4)), 1); ward$urban <- rbinom(20, 1, .6)[ward$ward]
ward$falls <- with(ward, rpois(length(ward), days*exp(-3.2 - .4*(arm=="treated") - .05*week + .3*log(beds) + rnorm(20, 0, .5)[ward])))
ward$n <- sample(4:12, nrow(ward), TRUE)
ward$cured <- with(ward, rbinom(length(ward), n, plogis(-.8 + .7*(arm=="treated") + .25*week + rnorm(20, 0, .9)[ward])))
ward$logdays <- round(log(ward$days), 8)
ward$fever <- with(ward, rbinom(length(ward), 1, plogis(-.3 + .6*(size=="small") - .2*week + rnorm(20, 0, 1.2)[ward])))
ward <- keep(ward, "ward"); ward$ward <- factor(ward$ward); ward$arm <- factor(ward$arm, c("control","treated")); ward$size <- factor(ward$size, c("small","large"))

# -- how values are kept -------------------------------------------------------------------------------------------
out <- list()
term_table <- function(a) { a <- as.data.frame(a); list(term=rownames(a), columns=colnames(a), values=unname(as.matrix(a))) }
grid_table <- function(e, ...) { s <- as.data.frame(summary(e, infer=TRUE, ...)); list(columns=names(s), rows=lapply(seq_len(nrow(s)), function(i) lapply(s[i,], function(v) if (is.numeric(v)) v else as.character(v)))) }
add <- function(id, ...) out[[id]] <<- list(...)

types <- function(id, f, data, weights=NULL, sum_of=NULL, kr=TRUE) {
  m <- if (is.null(weights)) lmerTest::lmer(f, data, control=tight) else { data$.w <- weights; lmerTest::lmer(f, data, weights=.w, control=tight) }
  r <- list()
  for (t in 1:3) {
    a <- anova(m, type=t); r[[paste0("satterthwaite", t)]] <- term_table(a)
    if (kr) r[[paste0("kenward-roger", t)]] <- term_table(anova(m, type=t, ddf="Kenward-Roger"))
  }
  add(id, kind="types", values=r); invisible(m) }

# -- linear mixed models: types 1-3 ---------------------------------------------------------------------------------
m1 <- types("field.factorial", y ~ a*b*c + x + (1|plot), field)
types("field.weights", y ~ a*b + x + (1|plot), field, weights=field$w)
types("field.covariate", y ~ a*x + b + (1|plot), field)
types("field.two.covariates", y ~ a*x*b + (1|plot), field)
types("field.nested", y ~ a/b + c + (1|plot), field)
types("field.no.intercept", y ~ 0 + a + b + a:b + (1|plot), field)
types("field.poly", y ~ a*poly(x, 2) + b + (1|plot), field)
types("field.log", log(y + 5) ~ a*log(x + 5) + (1|plot), field)
types("field.one", y ~ a + (1|plot), field)
types("field.numbers", y ~ x + I(x^2) + (1|plot), field)
types("field.scaled", y ~ a*scale(x) + (1|plot), field)
types("field.slope", y ~ a*b + x + (x|plot), field)
types("chicks.growth", weight ~ diet*time + (time|chick), chicks)
types("chicks.poly", weight ~ diet*poly(time, 2) + dose + (time|chick), chicks)
types("chicks.ordered", weight ~ odose*time + (time|chick), chicks)
types("chicks.ordered.factors", weight ~ odose*diet + time + (1|chick), chicks)
types("empty.cell", y ~ a*b + x + (1|plot), empty)
types("empty.three", y ~ a*b*c + (1|plot), empty)

# -- linear mixed models: means, contrasts, slopes -----------------------------------------------------------------
means <- function(id, m, specs, by=NULL, methods=list(pairwise="none"), dfs=c("satterthwaite","kenward-roger"), ...) {
  for (df in dfs) {
    e <- emmeans(m, specs, by=by, lmer.df=df, ...)
    r <- list(means=grid_table(e))
    for (how in names(methods)) for (adjust in methods[[how]])
      r[[paste(how, adjust)]] <- grid_table(contrast(e, how, adjust=adjust))
    add(paste(id, df, sep="."), kind="means", values=r)
  } }
all3 <- c("none","tukey","holm")
some <- list(pairwise=all3, trt.vs.ctrl=c("none","holm"), consec=c("none","holm"))
ff <- lmerTest::lmer(y ~ a*b*c + x + (1|plot), field, control=tight)
means("means.a", ff, "a", methods=some)
means("means.a.proportional", ff, "a", weights="proportional")
means("means.ab", ff, c("a","b"), methods=list(pairwise=all3))
means("means.c.by.ab", ff, "c", by=c("a","b"), methods=some)
means("means.a.x1", ff, "a", at=list(x=1))
means("means.a.xs", ff, "a", by="x", at=list(x=c(1,4.5)), methods=list(pairwise=c("tukey","holm")))
fw <- lmerTest::lmer(y ~ a*b + x + (1|plot), field, weights=w, control=tight)
means("means.weights", fw, "a", methods=list(pairwise=all3))
means("means.weights.proportional", fw, "b", weights="proportional", methods=list(pairwise=all3))
fp <- lmerTest::lmer(y ~ a*poly(x, 2) + b + (1|plot), field, control=tight)
means("means.poly", fp, "a", methods=list(pairwise=all3))
means("means.poly.at", fp, "a", by="x", at=list(x=c(2,4)), methods=list(pairwise=all3))
fl <- lmerTest::lmer(y ~ a + log(x + 5)*b + (1|plot), field, control=tight)
means("means.log", fl, "b", methods=list(pairwise=all3))
fo <- lmerTest::lmer(weight ~ odose*time + diet + (time|chick), chicks, control=tight)
means("means.ordered", fo, "odose", methods=some)
field$late <- as.integer(field$c == "c3")
f01 <- lmerTest::lmer(y ~ a*late + x + (1|plot), field, control=tight)
means("means.zero.one", f01, "a", methods=list(pairwise=all3))
means("means.zero.one.proportional", f01, "a", weights="proportional")
fe <- lmerTest::lmer(y ~ a*b + x + (1|plot), empty, control=tight)
means("means.empty", fe, c("a","b"), methods=list(pairwise="none"))
means("means.empty.a", fe, "a", methods=list(pairwise="none"))
fadd <- lmerTest::lmer(y ~ a + b + c + x + (1|plot), empty, control=tight)
means("means.additive", fadd, "b", methods=list(pairwise=all3))
slopes <- function(id, m, var, specs, by=NULL, at=NULL, dfs=c("satterthwaite","kenward-roger"), delta=1e-6) {
  for (df in dfs) {
    args <- list(m, specs, var=var, lmer.df=df, delta.var=delta); if (!is.null(at)) args$at <- at
    if (!is.null(by)) args$by <- by
    e <- do.call(emtrends, args)
    add(paste(id, df, sep="."), kind="slopes", values=list(slopes=grid_table(e), pairs=grid_table(pairs(e, adjust="tukey"))))
  } }
slopes("slopes.growth", lmerTest::lmer(weight ~ diet*time + (time|chick), chicks, control=tight), "time", "diet", delta=1e-3)
slopes("slopes.poly", fp, "x", "a")
slopes("slopes.poly.at", fp, "x", "a", at=list(x=1))
slopes("slopes.log", fl, "x", "b")
slopes("slopes.three", lmerTest::lmer(y ~ a*x*b + (1|plot), field, control=tight), "x", "a", by="b")

# -- flat linear models -----------------------------------------------------------------------------------------------
l1 <- lm(y ~ a*b*c + x, field); lw <- lm(y ~ a*b + x, field, weights=w); l0 <- lm(y ~ a + x, field); l2 <- lm(y ~ a*x + b, field)
add("lm.types", kind="lm", values=list(type1=term_table(anova(l1)), type2=term_table(Anova(l1, type=2)),
  type3=term_table(Anova(lm(y ~ a*b*c + x, field, contrasts=list(a="contr.sum", b="contr.sum", c="contr.sum")), type=3))))
add("lm.weights", kind="lm", values=list(type1=term_table(anova(lw)), type2=term_table(Anova(lw, type=2))))
add("lm.covariate", kind="lm", values=list(type1=term_table(anova(l2)), type2=term_table(Anova(l2, type=2))))
add("lm.nested", kind="lm", values=list(table=term_table(anova(l0, l2, lm(y ~ a*x*b, field)))))
add("lm.drop1", kind="lm", values=list(table=term_table(drop1(l1, test="F")), covariate=term_table(drop1(l2, test="F"))))
means("lm.means", l1, "a", methods=some, dfs="satterthwaite"); means("lm.weighted", lw, "b", methods=some, dfs="satterthwaite")
le <- lm(y ~ a*b + x, empty); means("lm.empty", le, c("a","b"), dfs="satterthwaite")
means("lm.logical", lm(y ~ a + I(x > 3), field), "a", dfs="satterthwaite")

# -- generalized linear models ------------------------------------------------------------------------------------------
exact <- list(epsilon=1e-14, maxit=100)
glms <- list(
  poisson = glm(falls ~ arm*week + log(beds) + size + offset(logdays), poisson, ward, control=exact),
  binomial = glm(cbind(cured, n - cured) ~ arm*week + size, binomial, ward, control=exact),
  probit = glm(fever ~ size*arm + week, binomial("probit"), ward, control=exact),
  cloglog = glm(fever ~ size + week, binomial("cloglog"), ward, control=exact),
  gamma = glm(beds ~ size*arm + days, Gamma("log"), ward, control=exact))
mixed <- list(
  poisson = glmer(falls ~ arm*week + log(beds) + (1|ward), ward, poisson, offset=logdays, control=gtight),
  binomial = glmer(cbind(cured, n - cured) ~ arm*week + size + (1|ward), ward, binomial, control=gtight),
  probit = glmer(fever ~ size*arm + week + (1|ward), ward, binomial("probit"), control=gtight),
  slope = glmer(cbind(cured, n - cured) ~ arm*week + (week|ward), ward, binomial, control=gtight),
  nodes = glmer(fever ~ size*week + arm + (1|ward), ward, binomial, nAGQ=25, control=gtight))
glm_values <- function(id, m, spec, at=list(week=c(0,4)), by="week", var="week", lr=FALSE) {
  link <- emmeans(m, spec, by=by, at=at); r <- list(link=grid_table(link), response=grid_table(link, type="response"))
  for (adjust in all3) r[[paste("pairwise", adjust)]] <- grid_table(pairs(link, adjust=adjust), type="response")
  r$differences <- grid_table(pairs(regrid(link), adjust="none"))
  r$flat <- grid_table(emmeans(m, spec), type="response")
  r$proportional <- grid_table(emmeans(m, spec, weights="proportional"), type="response")
  if (!is.null(var) && !grepl("poisson", id)) { e <- emtrends(m, spec, var=var); r$slopes <- grid_table(e); r$slope_pairs <- grid_table(pairs(e, adjust="none")) }
  if (!is.null(var) && !grepl("poisson", id)) r$slopes_response <- grid_table(emtrends(m, spec, var=var, regrid="response", at=list(week=2), delta.var=1e-4))
  if (lr) { r$type1 <- term_table(anova(m, test=if (m$family$family == "Gamma") "F" else "Chisq")); r$type2 <- term_table(Anova(m, type=2, test.statistic=if (m$family$family == "Gamma") "F" else "LR")); r$drop1 <- term_table(drop1(m, test=if (m$family$family == "Gamma") "F" else "Chisq")) }
  else { r$type2 <- term_table(Anova(m, type=2)); r$drop1 <- term_table(drop1(m, test="Chisq")) }
  add(id, kind="generalized", values=r) }
glm_values("glm.poisson", glms$poisson, "arm", lr=TRUE); glm_values("glm.binomial", glms$binomial, "arm", lr=TRUE)
glm_values("glm.probit", glms$probit, "size", lr=TRUE); glm_values("glm.cloglog", glms$cloglog, "size", lr=TRUE)
glm_values("glm.gamma", glms$gamma, "size", at=list(days=c(30,60)), by="days", var=NULL, lr=TRUE)
for (k in names(mixed)) glm_values(paste0("glmer.", k), mixed[[k]], c(poisson="arm", binomial="arm", probit="size", slope="arm", nodes="size")[[k]])
sums <- glmer(cbind(cured, n - cured) ~ arm*week + size + (1|ward), ward, binomial, control=gtight, contrasts=list(arm="contr.sum", size="contr.sum"))
add("glmer.binomial.type3", kind="type3", values=term_table(Anova(sums, type=3)))
sums <- glmer(fever ~ size*arm + week + (1|ward), ward, binomial("probit"), control=gtight, contrasts=list(arm="contr.sum", size="contr.sum"))
add("glmer.probit.type3", kind="type3", values=term_table(Anova(sums, type=3)))
average <- function(m, spec, grid) {  # over the groups, tau at its estimate; the SE from the coefficients
  X <- model.matrix(delete.response(terms(m)), grid); b <- fixef(m); V <- as.matrix(vcov(m)); inv <- m@resp$family$linkinv
  Z <- model.matrix(reformulate(sub("\\|.*", "", as.character(findbars(formula(m))[[1]])[2])), grid); S <- as.matrix(VarCorr(m)[[1]]); sd <- sqrt(rowSums((Z %*% S) * Z))
  p <- function(b) { eta <- drop(X %*% b); mapply(function(e, s) integrate(function(z) inv(e + s*z)*dnorm(z), -Inf, Inf, rel.tol=1e-11)$value, eta, sd) }
  J <- sapply(seq_along(b), function(k) { h <- 1e-5; up <- b; up[k] <- up[k]+h; lo <- b; lo[k] <- lo[k]-h; (p(up)-p(lo))/(2*h) })
  D <- J[1,] - J[2,]
  list(grid=grid, mean=p(b), se=sqrt(rowSums((J %*% V) * J)), difference=unname(p(b)[1]-p(b)[2]), difference_se=sqrt(drop(t(D) %*% V %*% D))) }
add("average.probit", kind="average", values=average(mixed$probit, "size", data.frame(size=factor(c("small","large"), c("small","large")), arm=factor("treated", c("control","treated")), week=2)))
add("average.slope", kind="average", values=average(mixed$slope, "arm", data.frame(arm=factor(c("control","treated")), week=3)))
add("average.nodes", kind="average", values=average(mixed$nodes, "size", data.frame(size=factor(c("small","large"), c("small","large")), arm=factor("treated", c("control","treated")), week=2)))

# -- random terms, drop1 ---------------------------------------------------------------------------------------------------
add("ranova.growth", kind="ranova", values=term_table(ranova(lmerTest::lmer(weight ~ diet*time + (time|chick), chicks, control=tight))))
add("ranova.two", kind="ranova", values=term_table(ranova(lmerTest::lmer(y ~ a + (1|plot) + (1|c), field, control=tight))))
add("drop1.factorial", kind="drop1", values=term_table(drop1(lme4::lmer(y ~ a*b*c + x + (1|plot), field, REML=FALSE, control=tight), test="Chisq")))
add("drop1.covariate", kind="drop1", values=term_table(drop1(lme4::lmer(y ~ a*x + b + (1|plot), field, REML=FALSE, control=tight), test="Chisq")))
write_json(list(about=R.version.string, versions=sapply(c("lme4","lmerTest","emmeans","car","pbkrtest"), function(p) as.character(packageVersion(p))), values=out), "margins.json", digits=NA, auto_unbox=TRUE, na="null", pretty=FALSE)
