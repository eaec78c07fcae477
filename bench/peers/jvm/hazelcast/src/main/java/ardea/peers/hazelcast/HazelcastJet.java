package ardea.peers.hazelcast;

import ardea.peers.Adapter;
import ardea.peers.Children;
import ardea.peers.Control;
import ardea.peers.Job;
import ardea.peers.Peer;
import ardea.peers.Ports;
import com.hazelcast.client.HazelcastClient;
import com.hazelcast.client.config.ClientConfig;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.instance.BuildInfoProvider;
import com.hazelcast.jet.config.JobConfig;
import com.hazelcast.jet.config.ProcessingGuarantee;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Hazelcast Jet: one member in the adapter's process, or two members with processes of their own. */
public final class HazelcastJet implements Peer {
  private static final int START_SECONDS = 60;
  private static final int END_SECONDS = 3;

  private final List<Process> members = new ArrayList<>();
  private Job job;
  private Control control;
  private HazelcastInstance instance;

  public static void main(String[] arguments) {
    Adapter.main(new HazelcastJet(), arguments);
  }

  @Override
  public Map<String, String> versions() {
    return Map.of("hazelcast", BuildInfoProvider.getBuildInfo().getVersion());
  }

  @Override
  public void start(Job job, Control control) throws Exception {
    this.job = job;
    this.control = control;
    instance = job.processes == 1 ? Member.start(job, Ports.free(), List.of()) : cluster();
    JobConfig config = new JobConfig().setName("word count");
    String snapshots = job.setting("snapshots");
    if (!snapshots.equals("off")) {
      config.setProcessingGuarantee(ProcessingGuarantee.EXACTLY_ONCE);
      config.setSnapshotIntervalMillis(Long.parseLong(snapshots));
    }
    instance
        .getJet()
        .newJob(job.timed() ? Pipelines.timed(job) : Pipelines.of(job), config)
        .getFuture()
        .whenComplete((nothing, failure) -> {
          if (failure != null) {
            control.fail(failure);
          }
        });
  }

  private HazelcastInstance cluster() throws Exception {
    Path file = job.folder().resolve("job");
    try (ObjectOutputStream out = new ObjectOutputStream(Files.newOutputStream(file))) {
      out.writeObject(job);
    }
    List<Integer> ports = new ArrayList<>();
    for (int i = 0; i < job.processes; i++) {
      ports.add(Ports.free());
    }
    for (int i = 0; i < job.processes; i++) {
      start("member" + (i + 1), file, i, ports);
    }
    ClientConfig config = new ClientConfig();
    config.setClusterName(Member.CLUSTER);
    ports.forEach(port -> config.getNetworkConfig().addAddress("127.0.0.1:" + port));
    config.getConnectionStrategyConfig().getConnectionRetryConfig().setClusterConnectTimeoutMillis(START_SECONDS * 1000);
    HazelcastInstance client = HazelcastClient.newHazelcastClient(config);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (client.getCluster().getMembers().size() < job.processes) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("the members did not find each other");
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return client;
  }

  private void start(String name, Path file, int index, List<Integer> ports) throws IOException {
    List<String> options = new ArrayList<>(List.of("-Xms2g", "-Xmx2g"));
    options.addAll(List.of(System.getProperty("peers.options").split(" ")));
    options.addAll(List.of(Member.class.getName(), file.toString(), ports.get(index).toString()));
    ports.forEach(port -> options.add(port.toString()));
    Process process = Children.java(job.folder(), name, options);
    members.add(process);
    control.process(name, process.pid());
  }

  /** The pipeline sees no end of its input: counts are read when all that was emitted is counted. */
  @Override
  public boolean drain() throws InterruptedException {
    return control.drainByCount(job.processes);
  }

  @Override
  public void close() throws InterruptedException {
    if (instance != null) {
      instance.getJet().getJobs().forEach(com.hazelcast.jet.Job::cancel);
      instance.shutdown();
    }
    for (Process member : members) {
      Children.end(member, END_SECONDS);
    }
  }
}
