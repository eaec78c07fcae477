package ardea.peers.flink;

import ardea.peers.Children;
import ardea.peers.Control;
import ardea.peers.Job;
import ardea.peers.Ports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.client.deployment.StandaloneClusterId;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessSpec;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.runtime.rest.messages.EmptyRequestBody;
import org.apache.flink.runtime.rest.messages.ClusterOverviewHeaders;
import org.apache.flink.runtime.rest.messages.EmptyMessageParameters;
import org.apache.flink.runtime.taskexecutor.TaskManagerRunner;
import org.apache.flink.runtime.util.config.memory.ProcessMemoryUtils;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** A job manager and two task managers, each a process, all on 127.0.0.1. */
final class Cluster implements AutoCloseable {
  private static final int TASK_MANAGERS = 2;
  private static final int END_SECONDS = 3;
  private static final long START_SECONDS = 60;

  private final List<Process> processes = new ArrayList<>();
  private final Configuration configuration;
  private final int restPort;

  private Cluster(Configuration configuration) throws IOException {
    this.configuration = configuration;
    restPort = Ports.free();
  }

  /** Starts all. Returns when all slots have registered. */
  static Cluster start(Job job, Control control, Configuration configuration) throws Exception {
    Cluster cluster = new Cluster(configuration);
    cluster.launch(job, control);
    return cluster;
  }

  private void launch(Job job, Control control) throws Exception {
    configuration.setString("jobmanager.rpc.address", "127.0.0.1");
    configuration.setString("jobmanager.rpc.port", Integer.toString(Ports.free()));
    configuration.setString("jobmanager.bind-host", "127.0.0.1");
    configuration.setString("rest.address", "127.0.0.1");
    configuration.setString("rest.port", Integer.toString(restPort));
    configuration.setString("rest.bind-address", "127.0.0.1");
    configuration.setString("taskmanager.host", "127.0.0.1");
    configuration.setString("taskmanager.bind-host", "127.0.0.1");
    configuration.setString("taskmanager.memory.task.heap.size", "1920m"); // 2 GiB of heap with Flink's own 128 MiB
    configuration.setString("taskmanager.memory.managed.size", "0"); // the state is on the heap
    Path folder = job.folder();
    Path conf = Files.createDirectories(folder.resolve("conf"));
    StringBuilder text = new StringBuilder();
    configuration.toMap().forEach((k, v) -> text.append(k).append(": \"").append(v).append("\"\n"));
    Files.writeString(conf.resolve("config.yaml"), text);

    add(control, "jobmanager", job,
        List.of("-Xms1g", "-Xmx1g"), StandaloneSessionClusterEntrypoint.class, List.of("--configDir", conf.toString()));
    // As Flink's start script does: the sizes of all parts, as options of the JVM and as arguments.
    TaskExecutorProcessSpec sizes = TaskExecutorProcessUtils.processSpecFromConfig(configuration);
    List<String> memory = List.of(ProcessMemoryUtils.generateJvmParametersStr(sizes).split(" "));
    List<String> arguments = new ArrayList<>(List.of("--configDir", conf.toString()));
    arguments.addAll(List.of(TaskExecutorProcessUtils.generateDynamicConfigsStr(sizes).split(" ")));
    for (int i = 1; i <= TASK_MANAGERS; i++) {
      add(control, "taskmanager" + i, job, memory, TaskManagerRunner.class, arguments);
    }
    awaitSlots(TASK_MANAGERS * job.parallelism);
  }

  private void add(Control control, String name, Job job, List<String> heap, Class<?> main, List<String> arguments)
      throws IOException {
    List<String> options = new ArrayList<>(heap);
    options.addAll(List.of(System.getProperty("peers.options", "").split(" ")));
    options.add(main.getName());
    options.addAll(arguments);
    Process process = Children.java(job.folder(), name, options);
    processes.add(process);
    control.process(name, process.pid());
  }

  private void awaitSlots(int slots) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    try (RestClusterClient<StandaloneClusterId> client =
        new RestClusterClient<>(configuration, StandaloneClusterId.getInstance())) {
      while (true) {
        try {
          int free =
              client
                  .sendRequest(
                      ClusterOverviewHeaders.getInstance(),
                      EmptyMessageParameters.getInstance(),
                      EmptyRequestBody.getInstance())
                  .get(START_SECONDS, TimeUnit.SECONDS)
                  .getNumSlotsAvailable();
          if (free >= slots) {
            return;
          }
        } catch (java.util.concurrent.ExecutionException e) {
          if (System.nanoTime() > deadline) {
            throw e;
          }
        }
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException("the task managers did not register");
        }
        TimeUnit.MILLISECONDS.sleep(50); // nothing tells when a task manager registers
      }
    }
  }

  StreamExecutionEnvironment environment() {
    return StreamExecutionEnvironment.createRemoteEnvironment("127.0.0.1", restPort, configuration);
  }

  @Override
  public void close() throws InterruptedException {
    for (Process process : processes) {
      Children.end(process, END_SECONDS);
    }
  }
}
