package ardea.peers.flink;

import ardea.peers.Feed;
import ardea.peers.Job;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** The draws of the workload as a Flink source: each reader has one split, its own draws, and remembers how far it is. */
final class WordSource<T> implements Source<T, WordSource.Split, List<WordSource.Split>> {
  /** Makes a record of a text and the instant at which it is intended. */
  interface Record<T> extends Serializable {
    T of(String text, long intended);
  }

  private final Job job;
  private final Record<T> record;

  WordSource(Job job, Record<T> record) {
    this.job = job;
    this.record = record;
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SplitEnumerator<Split, List<Split>> createEnumerator(SplitEnumeratorContext<Split> context) {
    List<Split> splits = new ArrayList<>();
    for (int i = 0; i < job.parallelism; i++) {
      splits.add(new Split(i, 0));
    }
    return new Enumerator(context, splits);
  }

  @Override
  public SplitEnumerator<Split, List<Split>> restoreEnumerator(
      SplitEnumeratorContext<Split> context, List<Split> unassigned) {
    return new Enumerator(context, unassigned);
  }

  @Override
  public SourceReader<T, Split> createReader(SourceReaderContext context) {
    return new Reader<>(job, record);
  }

  @Override
  public SimpleVersionedSerializer<Split> getSplitSerializer() {
    return new SplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<List<Split>> getEnumeratorCheckpointSerializer() {
    return new SplitsSerializer();
  }

  /** The draws of one source, of which some were emitted. */
  record Split(int index, long drawn) implements SourceSplit {
    @Override
    public String splitId() {
      return Integer.toString(index);
    }
  }

  /** Gives split i to reader i. */
  private static final class Enumerator implements SplitEnumerator<Split, List<Split>> {
    private final SplitEnumeratorContext<Split> context;
    private final List<Split> unassigned;

    Enumerator(SplitEnumeratorContext<Split> context, List<Split> unassigned) {
      this.context = context;
      this.unassigned = new ArrayList<>(unassigned);
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, String host) {}

    @Override
    public void addSplitsBack(List<Split> splits, int subtask) {
      unassigned.addAll(splits);
    }

    @Override
    public void addReader(int subtask) {
      unassigned.stream().filter(s -> s.index() == subtask).forEach(s -> context.assignSplit(s, subtask));
      unassigned.removeIf(s -> s.index() == subtask);
    }

    @Override
    public List<Split> snapshotState(long checkpoint) {
      return List.copyOf(unassigned);
    }

    @Override
    public void close() {}
  }

  /** Emits one draw at a time. */
  private static final class Reader<T> implements SourceReader<T, Split> {
    private final Job job;
    private final Record<T> record;
    private final CompletableFuture<Void> available = new CompletableFuture<>();
    private Split split;
    private Feed feed;

    Reader(Job job, Record<T> record) {
      this.job = job;
      this.record = record;
    }

    @Override
    public void start() {}

    @Override
    public InputStatus pollNext(ReaderOutput<T> output) {
      if (feed == null) {
        return InputStatus.NOTHING_AVAILABLE;
      }
      if (feed.next()) {
        output.collect(record.of(feed.text(), feed.intended()));
        return InputStatus.MORE_AVAILABLE;
      }
      if (feed.ended()) {
        return InputStatus.END_OF_INPUT;
      }
      feed.pause();
      return InputStatus.MORE_AVAILABLE;
    }

    @Override
    public List<Split> snapshotState(long checkpoint) {
      return feed == null ? List.of() : List.of(new Split(split.index(), feed.drawn()));
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return available;
    }

    @Override
    public void addSplits(List<Split> splits) {
      split = splits.get(0);
      feed = new Feed(job, split.index());
      feed.seek(split.drawn());
      available.complete(null);
    }

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
  }

  private static final class SplitSerializer implements SimpleVersionedSerializer<Split> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(Split split) {
      return ByteBuffer.allocate(12).putInt(split.index()).putLong(split.drawn()).array();
    }

    @Override
    public Split deserialize(int version, byte[] bytes) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      return new Split(buffer.getInt(), buffer.getLong());
    }
  }

  private static final class SplitsSerializer implements SimpleVersionedSerializer<List<Split>> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(List<Split> splits) {
      ByteBuffer buffer = ByteBuffer.allocate(12 * splits.size());
      splits.forEach(s -> buffer.putInt(s.index()).putLong(s.drawn()));
      return buffer.array();
    }

    @Override
    public List<Split> deserialize(int version, byte[] bytes) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      Collection<Split> splits = new ArrayList<>();
      while (buffer.hasRemaining()) {
        splits.add(new Split(buffer.getInt(), buffer.getLong()));
      }
      return List.copyOf(splits);
    }
  }
}
