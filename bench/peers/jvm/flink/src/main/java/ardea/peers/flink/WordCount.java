package ardea.peers.flink;

import ardea.peers.CounterProbe;
import ardea.peers.Job;
import ardea.peers.Probe;
import ardea.peers.Words;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** The job as a user would write it: words in, counts out when there are no more. */
final class WordCount {
  private WordCount() {}

  /** Adds the job to an environment. */
  static void build(StreamExecutionEnvironment env, Job job) {
    // user code: flink
    DataStream<String> texts =
        env.fromSource(
                new WordSource<>(job, (text, intended) -> text), WatermarkStrategy.noWatermarks(), "words", Types.STRING)
            .slotSharingGroup(job.setting("sourceGroup"));
    DataStream<String> words = texts;
    if (Words.areSentences(job.workload)) {
      words =
          texts.flatMap(
              (String sentence, Collector<String> out) -> {
                for (String word : sentence.split(" ")) {
                  out.collect(word);
                }
              },
              Types.STRING);
    }
    SingleOutputStreamOperator<Tuple2<String, Long>> counts =
        words.keyBy(word -> word, Types.STRING).process(new Count(job), Types.TUPLE(Types.STRING, Types.LONG));
    counts.slotSharingGroup(job.setting("counterGroup")).sinkTo(new Results(job));
    // end of user code
  }

  // user code: flink
  /** Counts each word in keyed state, and emits its count at the end of the input. */
  private static final class Count extends KeyedProcessFunction<String, String, Tuple2<String, Long>> {
    private final Job job;
    private transient CounterProbe probe;
    private transient ValueState<Long> count;

    Count(Job job) {
      this.job = job;
    }

    @Override
    public void open(OpenContext context) {
      probe = Probe.of(job).counter();
      count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    }

    @Override
    public void processElement(String word, Context context, Collector<Tuple2<String, Long>> out) throws Exception {
      Long n = count.value();
      if (n == null) {
        n = 0L;
        // end of user code
        context.timerService().registerEventTimeTimer(Long.MAX_VALUE); // only to report the final count
        // user code: flink
      }
      count.update(n + 1);
      probe.counted();
    }
    // end of user code

    @Override
    public void onTimer(long t, OnTimerContext context, Collector<Tuple2<String, Long>> out) throws Exception {
      out.collect(Tuple2.of(context.getCurrentKey(), count.value()));
    }
  }
}
