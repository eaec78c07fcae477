package main

import (
	"errors"
	"fmt"
)

// Errors of a run.
var (
	ErrInterrupted = errors.New("interrupted: all is stopped, nothing was measured")
	ErrDirNotEmpty = errors.New("the directory is not empty: give one that is empty or does not exist")
	ErrUnavailable = errors.New("cannot run here")
	ErrStuck       = errors.New("the engine did not return in time")
)

// errFull ends a run early without being a failure: the engine has no more room for what it must keep to be checked.
var errFull = errors.New("full")

// SettingError is a flag, or a value of one, that no run can be made of.
type SettingError struct {
	Flag, Value, Reason string
}

func (e *SettingError) Error() string {
	if e.Value == "" {
		return e.Flag + ": " + e.Reason
	}
	return fmt.Sprintf("%s %s: %s", e.Flag, e.Value, e.Reason)
}

// CheckError says that what an engine holds after reopening is not what it acknowledged.
type CheckError struct {
	Engine string
	Writer int // the first writer whose records differ; -1: a record that no writer made
	Reason string
}

func (e *CheckError) Error() string {
	if e.Writer < 0 {
		return fmt.Sprintf("check of %s failed: %s", e.Engine, e.Reason)
	}
	return fmt.Sprintf("check of %s failed: writer %d: %s", e.Engine, e.Writer, e.Reason)
}
