# What R makes of formulas and columns: coefficients, log likelihoods and predictions for tests/test_terms.py and
# tests/test_formulas_in_r.py. Run in tests/reference: Rscript formulas.R
suppressMessages({library(lme4); library(splines); library(jsonlite)})
i <- 0:47
q <- data.frame(age=20 + (i*7) %% 45, g=factor(rep(0:7, each=6)), t=i %% 2 == 0, f=factor(c("a","b","c")[i %% 3 + 1]),
                h=factor(rep(c("u","v"), each=3, length.out=48)), k=(i*5) %% 4, b=(i*11 + 3) %% 7 %% 2)
q$y <- (q$age - 40)^2/1000 + (rep(0:7, each=6) %% 3)*.4 + sin(i)
q$o <- ordered(q$f); q$k5 <- ordered((i*11) %% 5); q$day <- as.Date("2020-01-01") + i %% 30
tight <- lmerControl(optimizer="bobyqa", optCtrl=list(rhoend=1e-12, maxfun=1e5), check.conv.singular="ignore", calc.derivs=FALSE)
gtight <- glmerControl(optimizer="bobyqa", tolPwrss=1e-13, optCtrl=list(rhoend=1e-11, maxfun=1e5), check.conv.singular="ignore", calc.derivs=FALSE)
one <- function(kind, formula, m, new=NULL, ...) {
  b <- if (inherits(m, "merMod")) fixef(m) else coef(m)
  r <- list(kind=kind, formula=formula, fixef=unname(b), loglik=as.numeric(logLik(m)))
  if (!is.null(new)) r$predicted <- unname(suppressWarnings(predict(m, new, ...)))
  r }
quiet <- function(x) suppressMessages(suppressWarnings(x))
lmers <- c("y ~ age + I(age^2) + (1|g)", "y ~ 0 + t + (1|g)", "y ~ t + (1|g)", "y ~ age:t + (1|g)", "y ~ t*age + (1|g)",
  "y ~ f/t + (1|g)", "y ~ (0+t|g)", "y ~ poly(age,2) + (1|g)", "y ~ poly(age,3,raw=TRUE) + (1|g)", "y ~ bs(age,df=5) + (1|g)",
  "y ~ ns(age,df=3) + (1|g)", "y ~ bs(age,knots=c(30,50),degree=2) + (1|g)", "y ~ ns(age,knots=c(30,50)) + (1|g)",
  "y ~ 0 + bs(age,df=6,intercept=TRUE) + (1|g)", "y ~ 0 + ns(age,df=4,intercept=TRUE) + (1|g)", "y ~ C(f,contr.sum) + (1|g)",
  "y ~ C(f,contr.poly) + (1|g)", "y ~ o + (1|g)", "y ~ k5 + (1|g)", "y ~ o:age + (1|g)", "y ~ k5*t + (1|g)", "y ~ relevel(f,'b') + (1|g)",
  "y ~ f:h + (1|g)", "y ~ 0 + f:h + (1|g)", "y ~ age + f:h + (1|g)", "y ~ f*h*age + (1|g)", "y ~ age:f + f:h + (1|g)",
  "y ~ 0 + age + t + f + (1|g)", "y ~ I(age>40) + (1|g)", "y ~ I(f=='b') + age + (1|g)", "y ~ offset(age/100) + f + (1|g)",
  "y ~ scale(age) + (1|g)", "y ~ scale(age,scale=FALSE) + (1|g)", "y ~ scale(age,center=FALSE) + (1|g)", "y ~ f + (f|h)",
  "y ~ log(age)*t + (1|g)", "y ~ poly(age,2)*f + (1|g)", "y ~ ns(age,df=3):t + (1|g)", "y ~ age %in% f + (1|g)",
  "y ~ I(t*age) + (1|g)", "y ~ I(t) + (1|g)", "y ~ I(f) + (1|g)", "y ~ I(-age) + (1|g)", "y ~ (f+h+t)^2 - f:h + (1|g)", "y ~ day + (1|g)",
  "log(y+5) ~ age + (1|g)", "y - age/10 ~ f + (1|g)", "y ~ factor(k) + (1|g)", "y ~ factor(k):age + (1|g)", "y ~ f:t:h + age + (1|g)",
  "y ~ (age + (1|g))", "y ~ age + ((1|g))", "y ~ t + (0 + t|f)", "y ~ age + (1|h/f)", "y ~ age + (1|f:h)", "y ~ k5 + (t||g)")
fits <- lapply(lmers, function(s) one("lmer", s, quiet(lmer(as.formula(s), q, control=tight))))
glmers <- list(c("factor(b) ~ age + (1|g)", "binomial"), c("t ~ age + (1|g)", "binomial"), c("y > 0.5 ~ age + (1|g)", "binomial"),
  c("f == 'b' ~ age + (1|g)", "binomial"), c("k ~ f + offset(log(age)) + (1|g)", "poisson"))
fits <- c(fits, lapply(glmers, function(s) one(s[2], s[1], quiet(glmer(as.formula(s[1]), q, s[2], control=gtight)))))
lms <- c("y ~ offset(age/100) + f", "y ~ age + (f == 'b')", "y ~ C(f, contr.sum)*t", "y ~ day", "age > 40 ~ f", "y ~ bs(age)", "y ~ bs(age,degree=2)*t",
  "y ~ ns(age)", "y ~ 0 + t:age", "y ~ t/f", "y ~ (f + t + age)^2 - age:t - 1", "y ~ f*t - f", "y ~ f*age - age", "y ~ f:age:t", "y ~ k5:age - 1",
  "y ~ I(k5 > 2)", "y ~ I(scale(age)^2)", "y ~ poly(log(age), 2):t", "y ~ (age + k)*(f + t)", "y ~ f/age/t", "y ~ (f + t) %in% age",
  "y ~ offset(age/100) + offset(k)", "-y ~ age", "2*y/age ~ f", "y ~ C(relevel(f, 'b'), contr.sum)", "y ~ C(k5, contr.treatment)",
  "y ~ relevel(factor(k), '2'):age", "y ~ f - 1 + 1", "y ~ I(t + 1):age", "y ~ log2(age):f + log1p(k) + sqrt(age)", "y ~ 0 + t:f")
fits <- c(fits, lapply(lms, function(s) one("lm", s, lm(as.formula(s), q))))
glms <- list(c("relevel(factor(b), '1') ~ age", "binomial"), c("I(y > 0.5) ~ ns(age, df=2)", "binomial"))
fits <- c(fits, lapply(glms, function(s) one(paste0("glm ", s[2]), s[1], glm(as.formula(s[1]), s[2], q))))
new <- data.frame(age=c(10,18,30,66,80))
told <- lapply(c("y ~ ns(age,df=3) + (1|g)", "y ~ bs(age,df=5) + (1|g)", "y ~ poly(age,3) + (1|g)", "y ~ scale(age) + (1|g)",
  "y ~ offset(log(age)) + (1|g)", "y ~ I(age > 40) + (1|g)"),
  function(s) one("lmer", s, quiet(lmer(as.formula(s), q, control=tight)), new, re.form=NA))
write_json(list(fits=fits, predictions=told), "formulas.json", digits=12, auto_unbox=TRUE)
