package example;

import com.amazonaws.services.lambda.runtime.events.KinesisEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Logs what the records of a Kinesis stream carry (the guide's Kinesis tutorial). */
public class ProcessKinesisEvents {
    public void recordHandler(KinesisEvent event) throws IOException {
        for (KinesisEvent.KinesisEventRecord record : event.getRecords()) {
            System.out.println("Decoded payload: " + StandardCharsets.UTF_8.decode(record.getKinesis().getData()));
        }
    }
}
