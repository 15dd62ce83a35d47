#!/usr/bin/env bash
# MedPy: an update of NumPy turned the Dice coefficient of two empty masks from 1 into NaN.
#
# Guess before it was run: MedPy's dc of two empty masks is 1, since its code catches the division
# by zero and says so, whichever NumPy is there; its Jaccard index agrees.
# Found: with NumPy 2.2 dc is 1, with NumPy 2.4 it is NaN, and jc is 1 with both. count_nonzero of
# NumPy gives its own integer type now, whose division by zero raises nothing that could be caught.
# SimpleITK's Dice of the same masks is infinity. A slide without tumour that is rightly left blank
# gets 1, NaN or infinity, and the mean over slides follows, or drops it with nanmean. Handle empty
# references before any library is asked.
source "$(dirname "$0")/common.sh"
in_environment medpy==0.5.2 numpy==2.2.6 scipy==1.15.3 SimpleITK==2.5.7 <<'PYTHON'
import subprocess, sys

CODE = """
import numpy, SimpleITK
from medpy.metric.binary import dc, jc
empty = numpy.zeros((8, 8), bool)
image = SimpleITK.GetImageFromArray(empty.astype(numpy.uint8))
overlap = SimpleITK.LabelOverlapMeasuresImageFilter()
overlap.Execute(image, image)
print(numpy.__version__, dc(empty, empty), jc(empty, empty), overlap.GetDiceCoefficient())
"""


def measures():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE], capture_output=True, text=True, check=True
    )
    version, *values = run.stdout.split()
    print(
        f"medpy, numpy {version}: dc {values[0]}, jc {values[1]}; SimpleITK's Dice {values[2]}"
    )
    return values


before = measures()
subprocess.run(
    ["venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "numpy==2.4.6"],
    check=True,
)
after = measures()
assert before == ["1.0", "1.0", "inf"], before
assert after == ["nan", "1.0", "inf"], after
PYTHON
