#!/usr/bin/env bash
# Weighted kappa of grades: a grade that no case has moves the grades above it closer.
#
# Guess before it was run: a quadratic weight is the squared difference of two grades, so the kappa
# of grades 0, 1 and 4 is the same whether or not the function is told that 2 and 3 exist.
# Found: scikit-learn's cohen_kappa_score numbers the labels that occur and weighs by these numbers:
# 1 and 4 become neighbours, and a wrong 4 for a 1 costs a ninth or so. The same ten cases have 0.76
# instead of 0.68. statsmodels, told of all six grades, has the smaller one, as does a plain sum.
# The reference of labels= says that those that occur are used, and nothing of what it does to
# weights. A small test set, one hospital's share or a bootstrap's draw misses a grade easily: give
# labels=range(6), always.
source "$(dirname "$0")/common.sh"
in_environment scikit-learn==1.9.1 statsmodels==0.15.0 numpy==2.4.6 <<'PYTHON'
import numpy, sklearn, statsmodels
from sklearn.metrics import cohen_kappa_score, confusion_matrix
from statsmodels.stats.inter_rater import cohens_kappa

GRADES = range(6)
pathologist = [0, 0, 0, 1, 1, 1, 4, 4, 4, 4]
model = [0, 0, 1, 1, 1, 4, 4, 4, 1, 4]


def by_definition(first, second):
    """1 minus the mean squared difference over that of all pairs of independent draws."""
    first, second = numpy.array(first), numpy.array(second)
    by_chance = ((first[:, None] - second[None, :]) ** 2).mean()
    return 1 - ((first - second) ** 2).mean() / by_chance


table = confusion_matrix(pathologist, model, labels=GRADES)
present = sorted(set(pathologist) | set(model))
seen = {
    "by definition": by_definition(pathologist, model),
    "statsmodels, six grades": cohens_kappa(table, wt="quadratic").kappa,
    "scikit-learn, labels=range(6)": cohen_kappa_score(
        pathologist, model, labels=GRADES, weights="quadratic"
    ),
    "scikit-learn": cohen_kappa_score(pathologist, model, weights="quadratic"),
    "by definition, with 2 for each 4": by_definition(
        *[[present.index(grade) for grade in grades] for grades in (pathologist, model)]
    ),
}
print("scikit-learn", sklearn.__version__, "statsmodels", statsmodels.__version__)
for title, kappa in seen.items():
    print(f"{title}: {kappa:.4f}")
right, wrong = 0.6780, 0.7619
assert numpy.allclose(list(seen.values()), [right, right, right, wrong, wrong], atol=1e-4), seen
PYTHON
