package main

import "github.com/spf13/pflag"

// addMetrics adds the flag of commands whose run can serve its figures.
func addMetrics(f *pflag.FlagSet, address *string) {
	f.StringVar(address, "metrics", "", "serve the figures of the run for Prometheus at http://`ADDR`/metrics, such as :9090 or :0 for any port, "+
		"on this machine only unless a host is named")
}
