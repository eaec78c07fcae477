package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/codec"
)

// logCreateOptions are the flags of ardea log create.
type logCreateOptions struct {
	age   ageFlag
	bytes bytesFlag
	codec string
	json  bool
}

func (a *app) logCreateCommand() *cobra.Command {
	var o logCreateOptions
	cmd := &cobra.Command{
		Use:   "create DIR LOG",
		Short: "Make a log, and the store if there is none",
		Long: `Make a log in the store in folder DIR. If the folder is empty or missing it becomes
a store. Without bounds a log keeps all records; with them it drops whole segment
files, the oldest first.`,
		Example: `  ardea log create /var/lib/events clicks
  ardea log create /var/lib/events clicks --codec zstd --retain-age 7d --retain-bytes 10GB`,
		Args: logArgs("DIR LOG", 2),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return a.logCreate(cmd.Context(), args[0], args[1], o)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Var(&o.age, "retain-age", "drop records that are older than `TIME`: 90s, 24h, 7d or 2w (0: never)")
	f.Var(&o.bytes, "retain-bytes", "drop the oldest records of more than `BYTES`: 1000000, 512MiB or 10GB (0: never)")
	f.StringVar(&o.codec, "codec", codec.None.String(), "compress batches with `CODEC`: none, s2 or zstd")
	f.BoolVar(&o.json, "json", false, "print what was made as JSON")
	return cmd
}

func (a *app) logCreate(ctx context.Context, dir, name string, o logCreateOptions) (err error) {
	packing, err := codec.Parse(o.codec)
	if err != nil {
		return usagef("--codec %s: use none, s2 or zstd", o.codec)
	}
	s, err := openLogStore(ctx, dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	err = s.Create(ctx, name, dlog.LogOptions{Retain: dlog.Retention{Age: time.Duration(o.age), Bytes: int64(o.bytes)}, Codec: packing})
	if err != nil {
		return err
	}
	info, err := s.Info(ctx, name)
	if err != nil {
		return err
	}
	if o.json {
		return a.writeJSON(describeLog(&info))
	}
	_, err = fmt.Fprintf(a.stdout, "made log %s in %s\n", info.Name, dir)
	return err
}
