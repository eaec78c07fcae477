package capture

// Busy reports whether a recording is on.
func Busy() bool { return busy.Load() }
