package ardea.peers.flink;

import ardea.peers.Adapter;
import ardea.peers.Control;
import ardea.peers.Job;
import ardea.peers.Peer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Apache Flink: a MiniCluster, or a job manager and two task managers as processes. */
public final class Flink implements Peer {
  private static final long DRAIN_SECONDS = 30;

  private CompletableFuture<JobExecutionResult> result;
  private Cluster cluster;

  public static void main(String[] arguments) {
    Adapter.main(new Flink(), arguments);
  }

  @Override
  public Map<String, String> versions() {
    return Map.of("flink", EnvironmentInformation.getVersion());
  }

  @Override
  public void start(Job job, Control control) throws Exception {
    StreamExecutionEnvironment env = environment(job, control);
    env.setParallelism(job.parallelism);
    env.setRuntimeMode(RuntimeExecutionMode.STREAMING);
    if (job.timed()) {
      TimedWordCount.build(env, job);
    } else {
      WordCount.build(env, job);
    }
    JobClient client = env.executeAsync("word count");
    result = client.getJobExecutionResult();
    result.whenComplete((r, failure) -> {
      if (failure != null) {
        control.fail(failure);
      }
    });
  }

  private StreamExecutionEnvironment environment(Job job, Control control) throws Exception {
    Configuration configuration = Settings.of(job);
    if (job.processes == 1) {
      return StreamExecutionEnvironment.createLocalEnvironment(job.parallelism, configuration);
    }
    cluster = Cluster.start(job, control, configuration);
    return cluster.environment();
  }

  @Override
  public boolean drain() throws Exception {
    try {
      result.get(DRAIN_SECONDS, TimeUnit.SECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  @Override
  public void close() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
  }
}
