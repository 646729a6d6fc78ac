"""Gives each ONNX file named to the checker of the onnx package, shape inference included."""

import sys

import onnx

for file in sys.argv[1:]:
    onnx.checker.check_model(onnx.load(file), full_check=True)
    print(file)
