package main

import "github.com/spf13/pflag"

// addPprof adds the flag of commands whose processes can serve their profiles.
func addPprof(f *pflag.FlagSet, address *string) {
	f.StringVar(address, "pprof", "", "serve the profiles of all processes at `ADDR`, such as :6060 and the ports behind it or :0 for any, "+
		"on this machine only unless a host is named")
}
