package ardea.peers.storm;

import ardea.peers.Job;
import java.util.Map;
import java.util.TreeMap;
import org.apache.storm.Config;

/** Storm's options as the row and the command line say. */
final class Settings {
  private Settings() {}

  static Config of(Job job) {
    Config c = new Config();
    c.setDebug(false);
    c.setNumWorkers(1);
    c.setNumAckers(Integer.parseInt(job.setting("ackers")));
    c.setMaxSpoutPending(Integer.parseInt(job.setting("pending")));
    c.setFallBackOnJavaSerialization(false);
    if (job.flag("tuned")) {
      c.putAll(tuned());
      if (job.processes > 1) {
        c.put(Config.TOPOLOGY_TRANSFER_BATCH_SIZE, 500); // between workers, what the producer batch is within one
      }
    }
    return c;
  }

  /** Returns what Storm's own SimplifiedWordCountTopo sets. */
  private static Map<String, Object> tuned() {
    Map<String, Object> c = new TreeMap<>();
    c.put(Config.TOPOLOGY_PRODUCER_BATCH_SIZE, 1000);
    c.put(Config.TOPOLOGY_SPOUT_RECVQ_SKIPS, 8);
    c.put(Config.TOPOLOGY_DISABLE_LOADAWARE_MESSAGING, true);
    c.put(Config.TOPOLOGY_STATS_SAMPLE_RATE, 0.0005);
    c.put(Config.TOPOLOGY_BOLT_WAIT_STRATEGY, "org.apache.storm.policy.WaitStrategyPark");
    c.put(Config.TOPOLOGY_BOLT_WAIT_PARK_MICROSEC, 0);
    return c;
  }
}
