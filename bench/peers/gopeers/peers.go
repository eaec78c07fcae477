package main

import (
	"runtime/debug"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// peers returns all rows of this adapter.
func peers() []adapter.Peer {
	return []adapter.Peer{
		{Row: row(contract.Row{
			Peer: "channels", Variant: "plain", Title: "Go channel, a word at a time", Smoke: true,
			Settings: "a buffered channel of 1,024 draws",
			Unfair:   "in its favour: words are passed by pointer within a process, so that comparing them is cheap; sentences are split in the goroutine of their source",
			Code:     contract.Code{File: "bench/peers/gopeers/channels.go", Region: "channels"},
		}), Job: channels},
		{Row: row(contract.Row{
			Peer: "channels", Variant: "batches", Title: "Go channel, 256 words at a time",
			Settings: "batches of 256 draws through a channel and back for reuse; sent earlier when the source waits",
			Unfair:   "in its favour: words are passed by pointer within a process, so that comparing them is cheap; sentences are split in the goroutine of their source",
			Code:     contract.Code{File: "bench/peers/gopeers/batches.go", Region: "batches"},
		}), Job: batches},
		{Row: row(contract.Row{
			Peer: "ro", Variant: "sync", Title: "samber/ro, observables in one goroutine", Version: version("github.com/samber/ro"),
			Settings:  "NewUnsafeObservable, without locks; sentences are split by an operator of its own, as FlatMap keeps a subscription for each sentence; nothing crosses a thread",
			Documents: []string{"https://ro.samber.dev/docs/core/observable", "https://pkg.go.dev/github.com/samber/ro"},
			Unfair:    "in its favour: source, split and count share a goroutine, there is no hand-over at all",
			Code:      contract.Code{File: "bench/peers/gopeers/ro.go", Region: "ro"},
		}), Job: reactive},
		{Row: broker(contract.Row{
			Variant: "core", Title: "NATS core, server as a process", Exact: false, Guarantee: contract.None,
			Settings: "a word a message; the client gathers messages as it does by default; a source has at most 65,536 words on their way, so that no limit of the server or the client is met and nothing is dropped",
			Unfair:   "against it: a message for each word, where a user would put many into one; in its favour: publisher and subscriber share a process",
			Documents: []string{
				"https://docs.nats.io/using-nats/developer/sending", "https://docs.nats.io/using-nats/developer/connecting/misc",
				"https://docs.nats.io/running-a-nats-service/nats_admin/slow_consumers",
			},
			Published: &contract.Published{
				Text:            "2,957,796 messages of 16 bytes a second at one subscriber of one publisher, laptop, nats bench with nats-server 2.6.1",
				TuplesPerSecond: 2_957_796, Source: natsBench,
			},
			Workloads: []string{words.Words175k, words.Words20, words.Sentences},
			Code:      contract.Code{File: "bench/peers/gopeers/natscore.go", Region: "nats"},
		}), Allowed: serverSettings(), Job: natsCore},
		{Row: broker(contract.Row{
			Variant: "jetstream", Title: "NATS JetStream, file storage", Exact: true, Guarantee: contract.AtLeastOnce,
			Settings: "a word a message, published asynchronously, up to 4,096 unacknowledged; a source is at most 65,536 words ahead of the counts; AckAll for each 1,000; sync_interval 2m, the server's default: " +
				"a message is acknowledged when it is written, not when it is on disk",
			Unfair: "against it: every word is written to a file, which no row without a log does; in its favour: nothing is synced within a run",
			Documents: []string{
				"https://docs.nats.io/nats-concepts/jetstream/consumers", "https://docs.nats.io/running-a-nats-service/configuration#jetstream",
			},
			Published: &contract.Published{
				Text: "272,497 messages of 16 bytes a second published asynchronously, in batches of 100, into memory; 777,480 a second read back, " +
					"both alone (laptop, nats-server 2.6.1)",
				TuplesPerSecond: 272_497, Source: natsBench,
			},
			Workloads: []string{words.Words175k, words.Words20},
			Code:      contract.Code{File: "bench/peers/gopeers/jetstream.go", Region: "jetstream"},
		}), Allowed: serverSettings(), Job: jetStream},
		{Row: broker(contract.Row{
			Variant: "jetstream-pipeline", Title: "NATS JetStream, from stream to stream", Exact: true, Guarantee: contract.AtLeastOnce,
			Settings: "as nats/jetstream; each second a task publishes the counts that have changed, waits for them, and acks what they hold",
			Unfair:   "in its favour: nothing is synced within a run; counts are in memory only, and would have to be read back after a failure",
			Documents: []string{
				"https://docs.nats.io/nats-concepts/jetstream/consumers", "https://docs.nats.io/running-a-nats-service/configuration#jetstream",
			},
			Workloads: []string{words.Pipeline},
			Code:      contract.Code{File: "bench/peers/gopeers/jetpipeline.go", Region: "jetstream-pipeline"},
		}), Allowed: serverSettings(), Job: jetPipeline},
	}
}

// natsBench is where the documentation of NATS shows what its own benchmark prints.
const natsBench = "https://docs.nats.io/using-nats/nats-tools/nats_cli/natsbench"

// serverSettings are those of nats-server with its own defaults.
func serverSettings() map[string]string {
	return map[string]string{syncInterval: "2m", maxPending: "67108864"}
}

// broker fills in what the rows of NATS have in common.
func broker(r contract.Row) contract.Row {
	r.Peer, r.Language, r.Version, r.Processes, r.Latency = "nats", "go", version("github.com/nats-io/nats-server/v2"), 2, true
	return r
}

// version returns that of a module in this program.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return ""
}

// row fills in what all rows in one Go process have in common.
func row(r contract.Row) contract.Row {
	r.Language, r.Processes, r.Guarantee, r.Exact, r.Latency = "go", 1, contract.None, true, true
	r.Workloads = []string{words.Words175k, words.Words20, words.Sentences}
	if r.Documents == nil {
		r.Documents = []string{"https://go.dev/ref/spec#Channel_types"}
	}
	return r
}
