package ardea.peers;

import java.io.Serializable;

/** What the adapter asks of a probe. */
record Request(Kind kind, long t) implements Serializable {
  enum Kind { SNAPSHOT, REPORT, BEGIN, END, STOP, FINISH }

  /** Does it, and returns the answer, null if there is none. */
  Serializable apply(Probe probe) {
    switch (kind) {
      case SNAPSHOT:
        return probe.snapshot();
      case REPORT:
        return probe.report();
      case BEGIN:
        probe.begin(t);
        break;
      case END:
        probe.end(t);
        break;
      case STOP:
        probe.stop();
        break;
      case FINISH:
        probe.finish();
        break;
    }
    return null;
  }
}
