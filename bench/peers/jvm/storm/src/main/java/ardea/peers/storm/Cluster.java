package ardea.peers.storm;

import ardea.peers.Children;
import ardea.peers.Control;
import ardea.peers.Job;
import ardea.peers.Ports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.storm.Config;
import org.apache.storm.StormSubmitter;
import org.apache.storm.daemon.nimbus.Nimbus;
import org.apache.storm.daemon.supervisor.Supervisor;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.thrift.TException;
import org.apache.storm.utils.NimbusClient;

/** ZooKeeper, Nimbus and a supervisor that starts workers, each a process, all on 127.0.0.1. */
final class Cluster implements AutoCloseable {
  private static final String ZOOKEEPER = "org.apache.storm.shade.org.apache.zookeeper.server.ZooKeeperServerMain";
  private static final String WORKER = "org.apache.storm.daemon.worker.Worker";
  private static final String LOG_WRITER = "org.apache.storm.LogWriter";
  private static final String LOOPBACK = "127.0.0.1";
  private static final long START_NANOSECONDS = TimeUnit.SECONDS.toNanos(90);
  private static final int END_SECONDS = 3;

  private final List<Process> processes = new ArrayList<>();
  private final Job job;
  private final Control control;
  private final Path home;
  private final Config conf = new Config();
  private Process supervisor;

  Cluster(Job job, Control control) {
    this.job = job;
    this.control = control;
    home = job.folder().resolve("home");
  }

  /** Starts all. Returns when the supervisor has registered. */
  void start(int workers) throws Exception {
    configure(workers);
    layOut();
    String port = conf.get(Config.STORM_ZOOKEEPER_PORT).toString();
    add("zookeeper", "-Xmx256m", ZOOKEEPER, port, job.folder().resolve("zookeeper-data").toString());
    add("nimbus", "-Xmx1g", Nimbus.class.getName());
    supervisor = add("supervisor", "-Xmx256m", Supervisor.class.getName());
    awaitSupervisor();
  }

  private void configure(int workers) throws IOException {
    conf.put(Config.STORM_LOCAL_DIR, job.folder().resolve("local").toString());
    conf.put(Config.STORM_LOCAL_HOSTNAME, LOOPBACK);
    conf.put(Config.STORM_ZOOKEEPER_SERVERS, List.of(LOOPBACK));
    conf.put(Config.STORM_ZOOKEEPER_PORT, Ports.free());
    conf.put(Config.NIMBUS_SEEDS, List.of(LOOPBACK));
    conf.put(Config.NIMBUS_THRIFT_PORT, Ports.free());
    List<Integer> ports = new ArrayList<>();
    for (int i = 0; i < workers; i++) {
      ports.add(Ports.free());
    }
    conf.put("supervisor.slots.ports", ports);
    String options = System.getProperty("peers.options");
    conf.put(
        Config.WORKER_CHILDOPTS, "-Xms2g -Xmx2g -XX:-UsePerfData -Djava.io.tmpdir=" + job.folder() + " " + options);
    conf.put(Config.WORKER_GC_CHILDOPTS, "");
    conf.put("storm.log4j2.conf.dir", home.resolve("log4j2").toString());
  }

  /** Makes a folder like an unpacked Storm: the supervisor starts workers from it. */
  private void layOut() throws IOException {
    Path module = Path.of(System.getProperty("peers.module"));
    Files.createDirectories(home.resolve("conf"));
    Files.createDirectories(home.resolve("log4j2"));
    Files.createSymbolicLink(home.resolve("lib-worker"), module.resolve("target/lib"));
    Files.createSymbolicLink(home.resolve("lib"), module.resolve("target/lib"));
    for (String name : List.of("worker.xml", "cluster.xml")) {
      Files.copy(module.resolve("target/classes/log4j2.xml"), home.resolve("log4j2").resolve(name));
    }
    StringBuilder yaml = new StringBuilder();
    conf.forEach((key, value) ->
        yaml.append(key).append(": ").append(value instanceof String ? "\"" + value + "\"" : value).append('\n'));
    Files.writeString(yamlFile(), yaml);
  }

  private Path yamlFile() {
    return home.resolve("conf/storm.yaml");
  }

  private Process add(String name, String heap, String main, String... arguments) throws IOException {
    List<String> options = new ArrayList<>();
    options.add(heap);
    options.add("-Dzookeeper.admin.enableServer=false");
    options.add("-Dstorm.home=" + home);
    options.add("-Dstorm.conf.file=" + yamlFile());
    options.add("-Dstorm.log.dir=" + job.folder().resolve("logs"));
    options.add(main);
    options.addAll(List.of(arguments));
    Process process = Children.java(job.folder(), name, options);
    processes.add(process);
    control.process(name, process.pid());
    return process;
  }

  private void awaitSupervisor() throws InterruptedException {
    Map<String, Object> full = org.apache.storm.utils.Utils.readDefaultConfig();
    full.putAll(conf);
    full.put(Config.STORM_NIMBUS_RETRY_TIMES, 0);
    until("the supervisor did not register", () -> {
      try (NimbusClient client = NimbusClient.Builder.withConf(full).build()) {
        return client.getClient().getClusterInfo().get_supervisors_size() == 1;
      } catch (TException | RuntimeException e) {
        return false;
      }
    });
  }

  /** Submits the topology. Returns when its workers run. */
  void submit(String name, Config topologyConf, StormTopology topology, int workers) throws Exception {
    System.setProperty("storm.jar", System.getProperty("peers.module") + "/target/storm-1.jar");
    System.setProperty("storm.conf.file", yamlFile().toString());
    topologyConf.setNumWorkers(workers);
    StormSubmitter.submitTopology(name, topologyConf, topology);
    until("the workers did not start", () -> workers().size() == workers);
    int i = 0;
    for (long pid : workers()) {
      control.process("worker" + ++i, pid);
    }
  }

  private TreeSet<Long> workers() {
    TreeSet<Long> pids = new TreeSet<>();
    supervisor.descendants()
        .filter(p -> {
          String line = p.info().commandLine().orElse("");
          return line.contains(WORKER) && !line.contains(LOG_WRITER);
        })
        .forEach(p -> pids.add(p.pid()));
    return pids;
  }

  private static void until(String failure, java.util.function.BooleanSupplier done) throws InterruptedException {
    long deadline = System.nanoTime() + START_NANOSECONDS;
    while (!done.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(failure);
      }
      TimeUnit.MILLISECONDS.sleep(50); // nothing tells when a process of Storm is ready
    }
  }

  /** Ends the supervisor with its workers first, ZooKeeper last. */
  @Override
  public void close() throws InterruptedException {
    for (int i = processes.size() - 1; i >= 0; i--) {
      Children.end(processes.get(i), END_SECONDS);
    }
  }
}
