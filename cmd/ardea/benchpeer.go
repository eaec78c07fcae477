package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/own"
)

// Hidden commands of Ardea as a peer of its rivals.
const (
	peerName      = "bench-peer"
	peerChildName = "bench-peer-child"
)

// peerCommand is the adapter for Ardea itself; see bench/peers/README.md.
func (a *app) peerCommand() *cobra.Command {
	return &cobra.Command{
		Use:                peerName + " list | run FLAGS",
		Short:              "Be a peer in ardea bench peers; started by ardea itself",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if status := adapter.Main(cmd.Context(), args, os.Stdin, a.stdout, own.Peers(peerChildArgs)); status != 0 {
				return &endError{status}
			}
			return nil
		},
	}
}

// peerChildArgs leads a re-executed child to own.Child.
func peerChildArgs(spec string) []string { return []string{peerChildName, spec} }

func (a *app) peerChildCommand() *cobra.Command {
	return &cobra.Command{
		Use:    peerChildName + " SPEC",
		Short:  "Play a part of a peer; started by ardea itself",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return own.Child(cmd.Context(), args[0])
		}),
	}
}
