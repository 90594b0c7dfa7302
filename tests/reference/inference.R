# Reference values for tests/inference, from lme4, lmerTest and pbkrtest. Run in tests/reference: Rscript inference.R
suppressMessages({library(lme4);library(pbkrtest);library(jsonlite)})
d <- "data/"; dd <- "../../data/"
tight <- lmerControl(optimizer="bobyqa", optCtrl=list(rhoend=1e-12, maxfun=1e5), calc.derivs=FALSE, check.conv.singular="ignore")
gtight <- glmerControl(optimizer="bobyqa", tolPwrss=1e-13, optCtrl=list(rhoend=1e-11, maxfun=1e5))
sleep <- read.csv(paste0(dd,"sleepstudy.csv")); sleep$Subject <- factor(sleep$Subject)
dye <- read.csv(paste0(d,"Dyestuff.csv")); pen <- read.csv(paste0(d,"Penicillin.csv")); pas <- read.csv(paste0(d,"Pastes.csv")); cb <- read.csv(paste0(d,"cbpp.csv"))
cb$herd <- factor(cb$herd); cb$period <- factor(cb$period)
rats <- read.csv(paste0(dd,"rats.csv")); rats$batch <- factor(rats$batch)
ma <- merge(read.csv(paste0(dd,"mathachieve.csv")), read.csv(paste0(dd,"mathachieve_school.csv")), by="school")
cl <- read.csv(paste0(dd,"classroom.csv"))
ml <- function(f, data) lmer(f, data, REML=FALSE, control=tight)
re <- function(f, data) lmer(f, data, REML=TRUE, control=tight)
fits <- list(
  dyestuff = ml(Yield ~ 1 + (1|Batch), dye),
  penicillin = ml(diameter ~ 1 + (1|plate) + (1|sample), pen),
  pastes = ml(strength ~ 1 + (1|sample) + (1|batch), pas),
  sleepstudy = ml(Reaction ~ Days + (Days|Subject), sleep),
  cbpp = glmer(cbind(incidence, size-incidence) ~ period + (1|herd), cb, family=binomial, control=gtight))
out <- list()
tab <- function(m) {m <- as.matrix(m); list(rows=rownames(m), columns=colnames(m), values=unname(m))}
# profile() leaves a glmer fit changed, so what else is asked of this one is asked of its twin
twin <- glmer(cbind(incidence, size-incidence) ~ period + (1|herd), cb, family=binomial, control=gtight)
out$profile <- lapply(fits, function(f) tab(confint(profile(f, signames=FALSE, delta.cutoff=1/16))))
pr <- as.data.frame(profile(fits$sleepstudy, signames=FALSE))
out$zeta <- list(parameter=as.character(pr$.par), value=pr$.focal, zeta=pr$.zeta)
out$wald <- lapply(list(sleepstudy=fits$sleepstudy, cbpp=twin), function(f) tab(confint(f, method="Wald", parm="beta_")))
s_full <- fits$sleepstudy
an <- function(...) {a <- as.data.frame(anova(..., refit=FALSE)); list(npar=a$npar, AIC=a$AIC, BIC=a$BIC, logLik=a$logLik, deviance=a$deviance, chisq=a$Chisq, df=a$Df, p=a[["Pr(>Chisq)"]])}
out$anova <- list(
  sleep_days = an(ml(Reaction ~ 1 + (Days|Subject), sleep), s_full),
  sleep_slope = an(ml(Reaction ~ Days + (1|Subject), sleep), ml(Reaction ~ Days + (Days||Subject), sleep), s_full),
  pastes_batch = an(ml(strength ~ 1 + (1|sample), pas), fits$pastes),
  cbpp_period = an(glmer(cbind(incidence, size-incidence) ~ 1 + (1|herd), cb, family=binomial, control=gtight), twin))
tst <- function(f, data) {
  m <- suppressMessages(lmerTest::lmer(f, data, control=tight))
  r <- list(satterthwaite=tab(coef(summary(m, ddf="Satterthwaite"))))
  r$kenward_roger <- tab(coef(summary(m, ddf="Kenward-Roger"))); r$kr_vcov <- unname(as.matrix(vcovAdj(m)))
  r }
out$tests <- list(
  sleepstudy = tst(Reaction ~ Days + (Days|Subject), sleep),
  sleep_intercepts = tst(Reaction ~ Days + (1|Subject), sleep),
  sleep_independent = tst(Reaction ~ Days + (Days||Subject), sleep),
  dyestuff = tst(Yield ~ 1 + (1|Batch), dye),
  penicillin = tst(diameter ~ 1 + (1|plate) + (1|sample), pen),
  pastes = tst(strength ~ 1 + (1|batch) + (1|sample), pas),
  mathachieve = tst(mathach ~ ses * himinty + (ses|school), ma),
  classroom = tst(mathscore ~ ses + (1|schoolid) + (1|classid), cl))
# several coefficients at once
m <- suppressMessages(lmerTest::lmer(Reaction ~ factor(Days) + (1|Subject), sleep, control=tight))
a <- anova(m); k <- anova(m, ddf="Kenward-Roger")
out$joint <- list(satterthwaite=unlist(a[1,c("NumDF","DenDF","F value","Pr(>F)")], use.names=FALSE), kenward_roger=unlist(k[1,c("NumDF","DenDF","F value","Pr(>F)")], use.names=FALSE))
m2 <- suppressMessages(lmerTest::lmer(Reaction ~ Days + I(Days^2) + (Days|Subject), sleep, control=tight))
cc <- lmerTest::contestMD(m2, diag(3)[2:3,]); ck <- lmerTest::contestMD(m2, diag(3)[2:3,], ddf="Kenward-Roger")
out$joint2 <- list(satterthwaite=unlist(cc[1,c("NumDF","DenDF","F value","Pr(>F)")], use.names=FALSE), kenward_roger=unlist(ck[1,c("NumDF","DenDF","F value","Pr(>F)")], use.names=FALSE))
r_full <- lmer(Reaction ~ Days + (Days|Subject), sleep, control=tight)
cv <- attr(ranef(r_full, condVar=TRUE)$Subject, "postVar")[,,1]
out$conditional_covariance_308 <- cv
# case deletion, exact refits
del <- lapply(levels(sleep$Subject), function(s) {f <- re(Reaction ~ Days + (Days|Subject), subset(sleep, Subject != s)); vc <- as.data.frame(VarCorr(f)); c(fixef(f), vc$sdcor)})
out$deletion <- list(groups=levels(sleep$Subject), values=unname(do.call(rbind, del)), columns=c("Intercept","Days","sd_Intercept","sd_Days","cor","sigma"))
b <- fixef(r_full); V <- as.matrix(vcov(r_full))
out$deletion$cooks <- sapply(del, function(x) {dlt <- b - x[1:2]; c(dlt %*% solve(V) %*% dlt)/2})
out$predict <- list(
  sleep_308 = unname(predict(r_full, data.frame(Subject="308", Days=c(0,9)))),
  sleep_population = unname(predict(r_full, data.frame(Days=c(0,9)), re.form=NA)),
  sleep_new = unname(predict(r_full, data.frame(Subject=c("308","999"), Days=9), allow.new.levels=TRUE)),
  cbpp_population_response = unname(predict(twin, data.frame(period=c("p1","p4")), re.form=NA, type="response")),
  cbpp_herd2_link = unname(predict(twin, data.frame(period=c("p1","p4"), herd="2"), type="link")))
l <- lm(Reaction ~ Days, sleep)
out$predict$lm_mean <- unname(predict(l, data.frame(Days=c(0,9)), interval="confidence"))
out$predict$lm_observation <- unname(predict(l, data.frame(Days=c(0,9)), interval="prediction"))
out$lm_confint <- unname(confint(l))
# r2 (Nakagawa, Johnson & Schielzeth 2017), from their formulas
r2 <- function(f, resid) { X <- getME(f,"X"); fx <- var(drop(X %*% fixef(f))); Z <- getME(f,"mmList"); vc <- VarCorr(f)
  ra <- sum(sapply(names(Z), function(n) {z <- Z[[n]]; S <- vc[[sub("^.*\\| ","",n)]]; mean(rowSums((z %*% S) * z))})); c(marginal=fx/(fx+ra+resid), conditional=(fx+ra)/(fx+ra+resid))}
out$r2 <- list(sleepstudy=unname(r2(r_full, sigma(r_full)^2)), mathachieve={f<-re(mathach ~ ses * himinty + (ses|school), ma); unname(r2(f, sigma(f)^2))}, cbpp_latent=unname(r2(twin, pi^2/3)))
# rats: one new batch
g <- glmer(cbind(m,n-m) ~ 1 + (1|batch), rats, family=binomial, control=gtight); bb <- fixef(g)[[1]]; tau <- getME(g,"theta")[[1]]
E <- integrate(function(z) plogis(bb+tau*z)*dnorm(z), -10, 10, rel.tol=1e-12)$value
E2 <- integrate(function(z) plogis(bb+tau*z)^2*dnorm(z), -10, 10, rel.tol=1e-12)$value
out$rats <- list(b=bb, tau=tau, mean=E, median=plogis(bb), quantiles=plogis(bb+qnorm(c(.025,.975))*tau), icc_latent=tau^2/(tau^2+pi^2/3), icc_response=(E2-E^2)/(E*(1-E)))
write_json(out, "inference.json", digits=14, auto_unbox=TRUE, pretty=FALSE)
