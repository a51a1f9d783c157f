package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.events.APIGatewayProxyRequestEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayProxyResponseEvent;
import com.amazonaws.services.lambda.runtime.events.DynamodbEvent;
import com.amazonaws.services.lambda.runtime.events.KinesisEvent;
import com.amazonaws.services.lambda.runtime.events.S3Event;
import com.amazonaws.services.lambda.runtime.events.SNSEvent;
import com.amazonaws.services.lambda.runtime.events.SQSEvent;
import com.amazonaws.services.lambda.runtime.events.ScheduledEvent;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Handlers of every form. */
public class Forms {
    public static String shout(String text) {
        return text.toUpperCase();
    }

    public String number(int n) {
        return String.valueOf(n);
    }

    public boolean not(boolean b, Context context) {
        return !b;
    }

    public double half(long n) {
        return n / 2.0;
    }

    public Integer next(Integer n) {
        return n == null ? null : n + 1;
    }

    public String pick(String text) {
        return "one";
    }

    public String pick(String text, Context context) {
        return "two";
    }

    public String tie(String text, Integer n) {
        return "integer";
    }

    public String tie(String text, Context context) {
        return "context";
    }

    public String open(String text) {
        return "text";
    }

    public String open(Integer n) {
        return "number";
    }

    public void nothing(String text) {}

    public String nobody() {
        return "nobody";
    }

    public String who(String text) {
        return text;
    }

    public String who(Context context) {
        return context.getAwsRequestId();
    }

    public List<String> sorted(List<String> all) {
        List<String> sorted = new ArrayList<>(all);
        Collections.sort(sorted);
        return sorted;
    }

    public Map<String, Object> untyped(Map<String, Object> map) {
        map.put("null", null);
        map.put("list", Arrays.asList(1, null, "x"));
        return map;
    }

    public Map<String, Greeting.Name> named(List<Greeting.Name> names) {
        Map<String, Greeting.Name> byName = new LinkedHashMap<>();
        names.forEach(name -> byName.put(name.getValue(), name));
        return byName;
    }

    public Greeting.Times times(Greeting.Times times) {
        return times;
    }

    /** What JSON has no type of its own for. */
    public Map<Object, Object> values(Map<String, Object> event) {
        Map<Object, Object> values = new LinkedHashMap<>();
        values.put("bytes", new byte[] {1, 2});
        values.put("nan", Double.NaN);
        values.put("char", 'x');
        values.put("array", new int[] {1});
        values.put("nothing", java.util.Optional.empty());
        values.put(1, Greeting.Mood.GOOD);
        values.put("class", String.class);
        values.put("decimal", new java.math.BigDecimal("1E+3"));
        values.put("event", event.get("n"));
        return values;
    }

    public Greeting.Request same(Greeting.Request request) {
        return request;
    }

    public static void upper(InputStream in, OutputStream out, Context context) throws IOException {
        new Upper().handleRequest(in, out, context);
    }

    public void bytes(OutputStream out) throws IOException {
        out.write("<not json>".getBytes(StandardCharsets.UTF_8));
    }

    public Object unwritable(String what) {
        return what.equals("loop") ? new Broken.Loop() : new Broken.Unwritable();
    }

    public String raise(String why) throws Exception {
        throw new Exception(why.isEmpty() ? null : why);
    }

    public String log(String how, Context context) {
        switch (how) {
            case "print":
                System.out.println("a \n b");
                System.err.println("c");
                break;
            case "logger":
                context.getLogger().log("a \n b");
                break;
            default:
                LambdaRuntime.getLogger().log("a \n b\n");
        }
        return "logged";
    }

    public String s3(S3Event event) {
        String at = event.getRecords().get(0).getEventTime().toString().substring(0, 10);
        return event.getRecords().get(0).getS3().getBucket().getName() + "/" + event.getRecords().get(0).getS3().getObject().getUrlDecodedKey() + event.getRecords().get(0).getS3().getObject().getVersionId() + " " + at;
    }

    public SQSEvent sqs(SQSEvent event) {
        event.getRecords().forEach(message -> message.setBody(message.getBody().toUpperCase()));
        return event;
    }

    public DynamodbEvent dynamodb(DynamodbEvent event) {
        return event;
    }

    public String sns(SNSEvent event) {
        return event.getRecords().get(0).getSNS().getMessage();
    }

    public String kinesis(KinesisEvent event) {
        return StandardCharsets.UTF_8.decode(event.getRecords().get(0).getKinesis().getData()) + " "
                + event.getRecords().get(0).getKinesis().getApproximateArrivalTimestamp().getTime();
    }

    public String scheduled(ScheduledEvent event) {
        return event.getDetailType() + " " + event.getTime().getYear();
    }

    public APIGatewayProxyResponseEvent api(APIGatewayProxyRequestEvent event) {
        return new APIGatewayProxyResponseEvent().withStatusCode(200).withBody(event.getHttpMethod() + " " + event.getPath() + " " + event.getHeaders().get("a"))
                .withIsBase64Encoded(false).withHeaders(Collections.singletonMap("Content-Type", "text/plain"));
    }
}
