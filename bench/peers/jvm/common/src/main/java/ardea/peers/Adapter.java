package ardea.peers;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The program around a peer. */
public final class Adapter {
  private static final int STATUS_FAILED = 1;
  private static final int STATUS_USAGE = 2;
  private static final int STATUS_MISSING = 3;

  private Adapter() {}

  /** Runs a peer by a command line, and ends the process. The rows are in the folder that the property peers.rows names. */
  public static void main(Peer peer, String[] arguments) {
    Output out = new Output();
    Runtime.getRuntime().addShutdownHook(new Thread(Children::kill, "children"));
    int status = STATUS_FAILED;
    try {
      run(peer, List.of(arguments), out);
      status = 0;
    } catch (UsageException e) {
      out.error("usage", e.getMessage());
      status = STATUS_USAGE;
    } catch (MissingException e) {
      out.error("missing", e.getMessage());
      status = STATUS_MISSING;
    } catch (Throwable e) {
      e.printStackTrace();
      out.error("failed", e.toString());
    }
    System.exit(status);
  }

  private static void run(Peer peer, List<String> arguments, Output out) throws Exception {
    if (arguments.isEmpty() || !arguments.get(0).equals("run")) {
      throw new UsageException("run or list, not " + arguments);
    }
    Job job = Job.parse(arguments.subList(1, arguments.size()), Path.of(System.getProperty("peers.rows")));
    if (!Arrays.asList("", "lost", "double", "swapped").contains(job.plant)) {
      throw new UsageException("unknown wrong count " + job.plant);
    }
    if (job.generatorOnly) {
      new Generator(job, out).run();
      return;
    }
    if (job.dir.isEmpty()) {
      throw new UsageException("--dir is needed");
    }
    new Control(job, out).run(peer);
  }
}
