package ardea.peers.storm;

import ardea.peers.CounterProbe;
import ardea.peers.Job;
import ardea.peers.Probe;
import ardea.peers.Tally;
import ardea.peers.Words;
import java.util.HashMap;
import java.util.Map;
import org.apache.storm.Config;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.task.OutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.topology.base.BaseRichBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;
import org.apache.storm.utils.TupleUtils;

/** The topology as a user would write it. */
final class WordCount {
  private WordCount() {}

  static Fields fields(Job job) {
    return job.timed() ? new Fields("word", "intended") : new Fields("word");
  }

  static StormTopology build(Job job) {
    // user code: storm
    TopologyBuilder builder = new TopologyBuilder();
    builder.setSpout("source", new WordSpout(job), job.parallelism);
    String words = "source";
    if (Words.areSentences(job.workload)) {
      words = "split";
      builder.setBolt("split", new Split(job), job.parallelism).localOrShuffleGrouping("source");
    }
    builder.setBolt("count", new Count(job), job.parallelism).fieldsGrouping(words, new Fields("word"));
    return builder.createTopology();
    // end of user code
  }

  // user code: storm
  /** Emits each word of a sentence, anchored to it. */
  private static final class Split extends BaseBasicBolt {
    private final Job job;

    Split(Job job) {
      this.job = job;
    }

    @Override
    public void execute(Tuple tuple, BasicOutputCollector collector) {
      for (String word : tuple.getString(0).split(" ")) {
        collector.emit(job.timed() ? new Values(word, tuple.getLong(1)) : new Values(word));
      }
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
      declarer.declare(fields(job));
    }
  }

  /** Counts words in a map of its own, and gives the counts away when a tick says that there are no more. */
  private static final class Count extends BaseRichBolt {
    private final Job job;
    private transient Map<String, Long> counts;
    private transient OutputCollector collector;
    private transient Probe probe;
    private transient CounterProbe counter;

    Count(Job job) {
      this.job = job;
    }

    @Override
    public void prepare(Map<String, Object> conf, TopologyContext context, OutputCollector collector) {
      this.collector = collector;
      counts = new HashMap<>();
      probe = Probe.of(job);
      counter = probe.counter();
    }

    @Override
    public void execute(Tuple tuple) {
      if (TupleUtils.isTick(tuple)) {
        report();
        return;
      }
      counts.merge(tuple.getString(0), 1L, Long::sum);
      counted(tuple);
      collector.ack(tuple);
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {}
    // end of user code

    private void counted(Tuple tuple) {
      if (job.timed()) {
        counter.counted(tuple.getLong(1));
      } else {
        counter.counted();
      }
    }

    private void report() {
      if (counts != null && probe.finishing()) {
        Tally tally = new Tally(job);
        counts.forEach(tally::add);
        probe.result(tally);
        counts = null;
      }
    }

    @Override
    public Map<String, Object> getComponentConfiguration() {
      return Map.of(Config.TOPOLOGY_TICK_TUPLE_FREQ_SECS, 1);
    }
  }
}
