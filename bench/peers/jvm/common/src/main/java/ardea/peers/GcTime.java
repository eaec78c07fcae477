package ardea.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** CPU time of the threads that collect garbage in a JVM, from /proc: Java 17 does not tell it. */
final class GcTime {
  private static final List<String> THREADS = List.of("GC Thread", "G1 ");

  private GcTime() {}

  /** Returns seconds, 0 if the process has gone. */
  static double of(long pid) {
    try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
      return tasks.filter(GcTime::collects).mapToLong(GcTime::nanoseconds).sum() / 1e9;
    } catch (IOException | UncheckedIOException e) {
      return 0;
    }
  }

  private static boolean collects(Path task) {
    return THREADS.stream().anyMatch(read(task.resolve("comm"))::startsWith);
  }

  private static long nanoseconds(Path task) {
    String text = read(task.resolve("schedstat"));
    return text.isEmpty() ? 0 : Long.parseLong(text.split(" ")[0]);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return ""; // the thread has ended
    }
  }
}
