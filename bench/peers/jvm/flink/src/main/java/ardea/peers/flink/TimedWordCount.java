package ardea.peers.flink;

import ardea.peers.CounterProbe;
import ardea.peers.Job;
import ardea.peers.Probe;
import ardea.peers.Words;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** {@link WordCount} whose tuples carry the instant at which they were intended. */
final class TimedWordCount {
  private static final TypeInformation<Tuple2<String, Long>> TUPLE = Types.TUPLE(Types.STRING, Types.LONG);

  private TimedWordCount() {}

  /** Adds the job to an environment. */
  static void build(StreamExecutionEnvironment env, Job job) {
    DataStream<Tuple2<String, Long>> texts =
        env.fromSource(
                new WordSource<>(job, Tuple2::of), WatermarkStrategy.noWatermarks(), "words", TUPLE)
            .slotSharingGroup(job.setting("sourceGroup"));
    DataStream<Tuple2<String, Long>> words = texts;
    if (Words.areSentences(job.workload)) {
      words =
          texts.flatMap(
              (Tuple2<String, Long> sentence, Collector<Tuple2<String, Long>> out) -> {
                for (String word : sentence.f0.split(" ")) {
                  out.collect(Tuple2.of(word, sentence.f1));
                }
              },
              TUPLE);
    }
    SingleOutputStreamOperator<Tuple2<String, Long>> counts =
        words.keyBy(word -> word.f0, Types.STRING).process(new Count(job), TUPLE);
    counts.slotSharingGroup(job.setting("counterGroup")).sinkTo(new Results(job));
  }

  /** Counts each word in keyed state, and emits its count at the end of the input. */
  private static final class Count extends KeyedProcessFunction<String, Tuple2<String, Long>, Tuple2<String, Long>> {
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
    public void processElement(Tuple2<String, Long> word, Context context, Collector<Tuple2<String, Long>> out)
        throws Exception {
      Long n = count.value();
      if (n == null) {
        n = 0L;
        context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
      }
      count.update(n + 1);
      probe.counted(word.f1);
    }

    @Override
    public void onTimer(long t, OnTimerContext context, Collector<Tuple2<String, Long>> out) throws Exception {
      out.collect(Tuple2.of(context.getCurrentKey(), count.value()));
    }
  }
}
