package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
)

// servingStore is what ardea log serve says when it serves.
type servingStore struct {
	Dir      string `json:"dir"`
	Socket   string `json:"socket"`
	PID      int    `json:"pid"`
	Logs     int    `json:"logs"`
	Replayed int    `json:"replayed"` // batches that were in the journal only
}

func (a *app) logServeCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Let other programs use a store",
		Long: `Open the store in folder DIR and serve it to other programs of this user on a socket
in the folder, until Ctrl-C. The other commands, and programs that use package
dlog/serve, find it by the folder.`,
		Example: `  ardea log serve /var/lib/events
  ardea log serve /var/lib/events --json`,
		Args: logArgs("DIR", 1),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return a.logServe(cmd.Context(), args[0], asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "say what is served as a line of JSON")
	return cmd
}

func (a *app) logServe(ctx context.Context, dir string, asJSON bool) error {
	if err := isLogStore(dir); err != nil {
		return err
	}
	s, found, err := dlog.Open(dir, dlog.Options{Hooks: dlog.Hooks{Failed: func(err error) {
		_, _ = fmt.Fprintln(a.stderr, err)
	}}})
	if err != nil {
		return err
	}
	v, err := serve.Listen(s, "")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	on := servingStore{Dir: dir, Socket: v.Path(), PID: os.Getpid(), Logs: found.Logs, Replayed: found.Replayed}
	if asJSON {
		err = json.NewEncoder(a.stdout).Encode(&on)
	} else {
		_, err = fmt.Fprintf(a.stdout, "serving %s, %d logs, at %s; Ctrl-C ends it\n", on.Dir, on.Logs, on.Socket)
	}
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, v.Close(), s.Close())
}
