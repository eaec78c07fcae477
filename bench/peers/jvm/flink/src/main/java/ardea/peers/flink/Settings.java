package ardea.peers.flink;

import ardea.peers.Job;
import org.apache.flink.configuration.Configuration;

/** Flink's options as the row and the command line say. */
final class Settings {
  private Settings() {}

  static Configuration of(Job job) {
    Configuration c = new Configuration();
    c.setString("pipeline.object-reuse", job.setting("objectReuse"));
    c.setString("execution.buffer-timeout.interval", job.setting("bufferTimeout"));
    c.setString("state.backend.type", "hashmap");
    c.setString("io.tmp.dirs", job.folder().resolve("tmp").toString());
    c.setString("taskmanager.numberOfTaskSlots", Integer.toString(job.parallelism));
    c.setString("restart-strategy.type", "none");
    String checkpoints = job.setting("checkpoints");
    if (!checkpoints.equals("off")) {
      c.setString("execution.checkpointing.interval", checkpoints);
      c.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
      c.setString("execution.checkpointing.storage", "filesystem");
      c.setString("execution.checkpointing.dir", job.folder().resolve("checkpoints").toUri().toString());
    }
    return c;
  }
}
