package ardea.peers;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What to run: the command line and the row that it names. Sent to the other processes of a system as it is. */
public final class Job implements Serializable {
  public String peer = "";
  public String variant = "";
  public String workload = "words175k";
  public long seed = 1;
  public int parallelism = 1;
  public long rate; // draws a second of all sources together, 0: as fast as they can
  public String guarantee = "none";
  public boolean exact = true; // counts must equal the draws
  public int processes = 1;
  public String dir = "";
  public long draws; // of each source, 0: until told to stop
  public boolean generatorOnly;
  public String plant = "";
  public final TreeMap<String, String> settings = new TreeMap<>();
  public int controlPort; // where probes of other processes report

  // Operators come with a copy of the job each, and the list of words is the same for all in a process.
  private static final Map<String, Words> LISTS = new TreeMap<>();

  /** Reads a command line after its first word, and the row from the folder of rows. */
  static Job parse(List<String> arguments, Path rows) throws IOException {
    Job job = new Job();
    Map<String, String> said = new TreeMap<>();
    TreeMap<String, String> overrides = new TreeMap<>();
    for (int i = 0; i < arguments.size(); i++) {
      String flag = arguments.get(i);
      if (flag.equals("--generator-only")) {
        job.generatorOnly = true;
        continue;
      }
      if (i + 1 == arguments.size()) {
        throw new UsageException(flag + " needs a value");
      }
      String value = arguments.get(++i);
      if (flag.equals("--set")) {
        String[] pair = value.split("=", 2);
        overrides.put(pair[0], pair.length == 2 ? pair[1] : "");
      } else {
        said.put(flag, value);
      }
    }
    said.forEach(job::take);
    job.takeRow(rows, said, overrides);
    return job;
  }

  private void take(String flag, String value) {
    switch (flag) {
      case "--peer" -> peer = value;
      case "--variant" -> variant = value;
      case "--workload" -> workload = value;
      case "--seed" -> seed = number(flag, value);
      case "--parallelism" -> parallelism = (int) number(flag, value);
      case "--rate" -> rate = number(flag, value);
      case "--guarantee" -> guarantee = value;
      case "--processes" -> processes = (int) number(flag, value);
      case "--dir" -> dir = Path.of(value).toAbsolutePath().toString();
      case "--draws" -> draws = number(flag, value);
      case "--plant-wrong-count" -> plant = value;
      default -> throw new UsageException("unknown flag " + flag);
    }
  }

  /** Returns the folder for everything that is written. */
  public Path folder() {
    return Path.of(dir);
  }

  private static long number(String flag, String value) {
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new UsageException(flag + " needs a whole number, not " + value);
    }
  }

  private void takeRow(Path rows, Map<String, String> said, Map<String, String> overrides) throws IOException {
    JsonObject row = row(rows);
    String has = row.get("guarantee").getAsString();
    if (said.containsKey("--guarantee") && !guarantee.equals(has)) {
      throw new UsageException(variant + " gives " + has + ", not " + guarantee);
    }
    guarantee = has;
    exact = row.get("exact").getAsBoolean();
    int count = row.get("processes").getAsInt();
    if (said.containsKey("--processes") && processes != count) {
      throw new UsageException(variant + " has " + count + " processes, not " + processes);
    }
    processes = count;
    if (!row.get("missing").getAsString().isEmpty()) {
      throw new MissingException(row.get("missing").getAsString());
    }
    if (row.getAsJsonArray("workloads").asList().stream().noneMatch(w -> w.getAsString().equals(workload))) {
      throw new UsageException(variant + " does not run the workload " + workload);
    }
    row.getAsJsonObject("set").asMap().forEach((k, v) -> settings.put(k, v.getAsString()));
    overrides.forEach((k, v) -> {
      if (settings.replace(k, v) == null) {
        throw new UsageException("unknown setting " + k + "; there are " + settings.keySet());
      }
    });
  }

  private JsonObject row(Path rows) throws IOException {
    Path file = rows.resolve(peer + ".jsonl");
    if (!Files.exists(file)) {
      throw new UsageException("no peer " + peer);
    }
    for (String line : Files.readAllLines(file)) {
      JsonElement row = JsonParser.parseString(line);
      if (row.getAsJsonObject().get("variant").getAsString().equals(variant)) {
        return row.getAsJsonObject();
      }
    }
    throw new UsageException(peer + " has no variant " + variant);
  }

  /** Returns the words of the workload, made at the first call in each process. */
  public Words words() {
    synchronized (LISTS) {
      return LISTS.computeIfAbsent(workload + seed, key -> Words.of(workload, seed));
    }
  }

  /** Whether tuples carry the instant at which they were intended. */
  public boolean timed() {
    return rate > 0;
  }

  /** Returns a setting of the row, with what the command line said instead. */
  public String setting(String key) {
    return settings.get(key);
  }

  /** Whether a setting is "true". */
  public boolean flag(String key) {
    return Boolean.parseBoolean(settings.get(key));
  }
}
