package ardea.peers.storm;

import ardea.peers.Adapter;
import ardea.peers.Control;
import ardea.peers.Job;
import ardea.peers.Peer;
import ardea.peers.Words;
import java.util.Map;
import org.apache.storm.LocalCluster;
import org.apache.storm.generated.KillOptions;
import org.apache.storm.utils.VersionInfo;

/** Apache Storm: a LocalCluster, or ZooKeeper, Nimbus, a supervisor and one task a worker as processes. */
public final class Storm implements Peer {
  private static final String NAME = "wordcount";

  private Job job;
  private Control control;
  private LocalCluster local;
  private Cluster cluster;

  public static void main(String[] arguments) {
    Adapter.main(new Storm(), arguments);
  }

  @Override
  public Map<String, String> versions() {
    return Map.of("storm", VersionInfo.getVersion());
  }

  @Override
  public void start(Job job, Control control) throws Exception {
    this.job = job;
    this.control = control;
    if (job.processes == 1) {
      local = new LocalCluster();
      local.submitTopology(NAME, Settings.of(job), WordCount.build(job));
      return;
    }
    int workers = job.parallelism * (Words.areSentences(job.workload) ? 3 : 2); // one task each
    cluster = new Cluster(job, control);
    cluster.start(workers);
    cluster.submit(NAME, Settings.of(job), WordCount.build(job), workers);
  }

  /** Bolts see no end of their input: they report at a tick when all that was emitted is counted. */
  @Override
  public boolean drain() throws InterruptedException {
    return control.drainByCount(job.parallelism);
  }

  @Override
  public void close() throws Exception {
    if (local != null) {
      KillOptions now = new KillOptions();
      now.set_wait_secs(0);
      local.killTopologyWithOpts(NAME, now);
      local.close();
    }
    if (cluster != null) {
      cluster.close();
    }
  }
}
