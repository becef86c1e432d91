"""ONNX files that people bring: how a fault of the file is told from one of ours."""


def faults() -> tuple[type[Exception], ...]:
    """What is raised where a file, what it is given, or the shape of its answer is not as it should be. onnxruntime
    names no base of its exceptions: they are the classes of its own module, and Python's where it checks before that.
    """
    from onnxruntime.capi import onnxruntime_pybind11_state

    own = [one for one in vars(onnxruntime_pybind11_state).values() if isinstance(one, type)]
    return (*(one for one in own if issubclass(one, Exception)), RuntimeError, ValueError, LookupError)
