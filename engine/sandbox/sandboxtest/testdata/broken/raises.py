print("before the fall")
raise RuntimeError("cannot start")
