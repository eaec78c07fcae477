package ardea.peers.kafka;

import ardea.peers.Children;
import ardea.peers.Control;
import ardea.peers.Job;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The broker: the script of this module starts and stops it. */
final class Broker implements AutoCloseable {
  private final String script = System.getProperty("peers.module") + "/broker";
  private final Path folder;
  private final Path folderOfLogs;

  private Broker(Job job) {
    folder = job.folder().resolve("broker");
    folderOfLogs = job.folder();
  }

  /** Starts it. Returns when it takes requests. */
  static Broker start(Job job, Control control) throws IOException, InterruptedException {
    Broker broker = new Broker(job);
    broker.script("start", "0");
    long pid = Long.parseLong(Files.readString(broker.folder.resolve("broker.pid")).trim());
    Children.adopt(pid);
    control.process("broker", pid);
    return broker;
  }

  private void script(String command, String... arguments) throws IOException, InterruptedException {
    List<String> line = new java.util.ArrayList<>(List.of(script, command, folder.toString()));
    line.addAll(List.of(arguments));
    int status = Children.start(folderOfLogs, "broker-" + command, line, Map.of()).waitFor();
    if (status != 0) {
      throw new IOException("broker " + command + ": status " + status + ", see broker-" + command + ".log in --dir");
    }
  }

  String address() throws IllegalStateException {
    try {
      return "127.0.0.1:" + Files.readString(folder.resolve("broker.port")).trim();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    script("stop");
  }
}
