"""Workloads of ONNX files. The package onnx is loaded when a file is read, not before."""

from hwsim.onnx.workload import onnx_workload

__all__ = ["onnx_workload"]
