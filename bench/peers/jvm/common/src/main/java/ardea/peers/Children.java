package ardea.peers;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The processes that an adapter has started. None outlives it. */
public final class Children {
  private static final List<ProcessHandle> STARTED = new ArrayList<>();

  private Children() {}

  /**
   * Starts a JVM with the adapter's class path.
   *
   * @param name of its log file in the folder
   * @param options of the JVM, its main class and arguments
   */
  public static Process java(Path folder, String name, List<String> options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(javaProgram());
    command.addAll(baseOptions(folder));
    command.addAll(options);
    return start(folder, name, command, Map.of());
  }

  /** Returns the path of the JVM's program. */
  public static String javaProgram() {
    return ProcessHandle.current().info().command().orElse("java");
  }

  /** Returns the class path and what keeps a JVM from writing outside the folder. */
  public static List<String> baseOptions(Path folder) {
    return List.of(
        "-cp", System.getProperty("java.class.path"),
        "-XX:-UsePerfData",
        "-Djava.io.tmpdir=" + folder,
        "-XX:ErrorFile=" + folder + "/hs_err_%p.log");
  }

  /** Starts a program in the folder, its output to name.log there. */
  public static Process start(Path folder, String name, List<String> command, Map<String, String> environment)
      throws IOException {
    Files.createDirectories(folder);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.directory(folder.toFile());
    builder.environment().putAll(environment);
    File log = folder.resolve(name + ".log").toFile();
    builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log));
    builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
    synchronized (STARTED) {
      Process process = builder.start();
      STARTED.add(process.toHandle());
      return process;
    }
  }

  /** Takes over a process that a script has started: it ends with the adapter too. */
  public static void adopt(long pid) {
    synchronized (STARTED) {
      ProcessHandle.of(pid).ifPresent(STARTED::add);
    }
  }

  /** Asks a process to end, and kills it and its descendants if it has not after some seconds. */
  public static void end(Process process, int seconds) throws InterruptedException {
    if (process == null) {
      return;
    }
    List<ProcessHandle> below = process.descendants().toList();
    process.destroy();
    if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
    }
    below.forEach(ProcessHandle::destroyForcibly);
    below.forEach(child -> child.onExit().orTimeout(seconds, TimeUnit.SECONDS).exceptionally(e -> null).join());
  }

  /** Kills all, with their descendants. */
  static void kill() {
    synchronized (STARTED) {
      List<CompletableFuture<?>> ends = new ArrayList<>();
      for (ProcessHandle process : STARTED) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        ends.add(process.onExit());
      }
      ends.forEach(CompletableFuture::join);
    }
  }
}
