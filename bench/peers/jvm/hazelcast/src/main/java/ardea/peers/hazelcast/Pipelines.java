package ardea.peers.hazelcast;

import ardea.peers.Job;
import ardea.peers.Words;
import com.hazelcast.jet.Traversers;
import com.hazelcast.jet.accumulator.LongAccumulator;
import com.hazelcast.jet.datamodel.Tuple2;
import com.hazelcast.jet.pipeline.Pipeline;
import com.hazelcast.jet.pipeline.Sinks;
import com.hazelcast.jet.pipeline.StreamStage;

/** The job as a user would write it, and the same whose items carry the instant at which they were intended. */
final class Pipelines {
  private Pipelines() {}

  /** Returns the number of tasks of a kind on each member. */
  static int localParallelism(Job job) {
    return Math.max(1, job.parallelism / job.processes);
  }

  static Pipeline of(Job job) {
    // user code: hazelcast
    Pipeline pipeline = Pipeline.create();
    StreamStage<String> words =
        pipeline.readFrom(WordSource.of(job, (text, intended) -> text)).withoutTimestamps();
    if (Words.areSentences(job.workload)) {
      words =
          words
              .flatMap(sentence -> Traversers.traverseArray(sentence.split(" ")))
              .setLocalParallelism(localParallelism(job));
    }
    words
        .groupingKey(word -> word)
        .mapStateful(
            LongAccumulator::new,
            (count, word, item) -> {
              count.add(1);
              Counts.raised(job, word, count);
              return null;
            })
        .setLocalParallelism(localParallelism(job))
        .writeTo(Sinks.noop());
    // end of user code
    return pipeline;
  }

  static Pipeline timed(Job job) {
    Pipeline pipeline = Pipeline.create();
    StreamStage<Tuple2<String, Long>> words =
        pipeline.readFrom(WordSource.of(job, Tuple2::tuple2)).withoutTimestamps();
    if (Words.areSentences(job.workload)) {
      words =
          words
              .flatMap(t -> Traversers.traverseArray(t.f0().split(" ")).map(word -> Tuple2.tuple2(word, t.f1())))
              .setLocalParallelism(localParallelism(job));
    }
    words
        .groupingKey(Tuple2::f0)
        .mapStateful(
            LongAccumulator::new,
            (count, word, item) -> {
              count.add(1);
              Counts.raised(job, word, count, item.f1());
              return null;
            })
        .setLocalParallelism(localParallelism(job))
        .writeTo(Sinks.noop());
    return pipeline;
  }
}
