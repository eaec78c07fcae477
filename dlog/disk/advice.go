package disk

// Advice says what will be done with a part of a file. It changes no result, only how long things take.
type Advice uint8

// The kinds of advice.
const (
	Sequential Advice = iota // it will be read from front to back
	Random                   // it will be read here and there: nothing is to be read ahead
	WillNeed                 // it will be read soon
	DontNeed                 // it will not be read soon; only what is safe already leaves memory
)

// Adviser is what a File may also be.
type Adviser interface {
	// Advise gives advice about n bytes from at on; n = 0 means up to the end.
	Advise(at, n int64, a Advice)
}

// Advise gives advice to a file that takes it. Elsewhere it does nothing.
func Advise(f File, at, n int64, a Advice) {
	if adviser, ok := f.(Adviser); ok {
		adviser.Advise(at, n, a)
	}
}
