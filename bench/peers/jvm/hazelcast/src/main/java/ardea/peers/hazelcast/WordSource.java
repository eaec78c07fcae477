package ardea.peers.hazelcast;

import ardea.peers.Feed;
import ardea.peers.Job;
import com.hazelcast.jet.pipeline.SourceBuilder;
import com.hazelcast.jet.pipeline.StreamSource;
import java.io.Serializable;
import java.util.List;

/** The draws of the workload as a source of Jet: each of its processors has draws of its own, and remembers how far it is. */
final class WordSource<T> {
  private static final int AT_ONCE = 128; // draws a call, as in the manual's examples

  /** Makes an item of a text and the instant at which it is intended. */
  interface Item<T> extends Serializable {
    T of(String text, long intended);
  }

  private final Job job;
  private final Item<T> item;
  private final int index;
  private Feed feed; // null: there are fewer sources than processors

  private WordSource(Job job, Item<T> item, int index) {
    this.job = job;
    this.item = item;
    this.index = index;
    feed = index < job.parallelism ? new Feed(job, index) : null;
  }

  static <T> StreamSource<T> of(Job job, Item<T> item) {
    return SourceBuilder.stream("words", context -> new WordSource<>(job, item, context.globalProcessorIndex()))
        .<T>fillBufferFn(WordSource::fill)
        .createSnapshotFn(WordSource::drawn)
        .restoreSnapshotFn(WordSource::restore)
        .distributed(Pipelines.localParallelism(job))
        .build();
  }

  private void fill(SourceBuilder.SourceBuffer<T> buffer) {
    if (feed == null) {
      return;
    }
    for (int i = 0; i < AT_ONCE; i++) {
      if (!feed.next()) {
        feed.ended();
        return;
      }
      buffer.add(item.of(feed.text(), feed.intended()));
    }
  }

  private Long drawn() {
    return feed == null ? 0 : feed.drawn();
  }

  private void restore(List<Long> drawn) {
    if (feed != null) {
      feed = new Feed(job, index);
      feed.seek(drawn.get(0));
    }
  }
}
