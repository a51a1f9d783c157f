package example;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Does what the event's "op" says. */
public class App {
    private int count;
    private volatile int ticks;
    private Thread ticker;

    public Object handle(Object event, Context context) throws Exception {
        count++;
        if (!(event instanceof Map) || !((Map<?, ?>) event).containsKey("op")) {
            return event;
        }
        Map<?, ?> arguments = (Map<?, ?>) event;
        switch ((String) arguments.get("op")) {
            case "raise":
                throw new IllegalStateException("no good: " + arguments.get("why"));
            case "exit":
                System.exit(7);
                return null;
            case "sleep":
                Thread.sleep((long) (((Number) arguments.get("seconds")).doubleValue() * 1000));
                return "slept";
            case "print":
                for (int i = 0; i < (Integer) arguments.get("lines"); i++) {
                    System.out.println("line " + i);
                }
                System.out.print("no line break");
                return null;
            case "log":
                context.getLogger().log("it hurts\nmore than once");
                return null;
            case "large":
                return new String(new char[(Integer) arguments.get("size")]).replace('\0', 'x');
            case "length":
                return ((String) arguments.get("data")).length();
            case "count":
                return count;
            case "tick":
                return tick();
            case "eat":
                return eat();
            case "heap":
                return heap();
            case "tmp":
                File mark = new File(System.getProperty("java.io.tmpdir"), "mark");
                return !mark.createNewFile();
            case "write":
                try {
                    Files.write(Paths.get((String) arguments.get("path")), new byte[1]);
                } catch (IOException e) {
                    return e.toString();
                }
                return "written";
            case "context":
                return context(context);
            case "property":
                return System.getProperty((String) arguments.get("name"));
            case "get":
                return get(System.getenv("AWS_ENDPOINT_URL") + arguments.get("path"));
            default:
                throw new IllegalArgumentException("op");
        }
    }

    private int tick() {
        if (ticker == null) {
            ticker = new Thread(() -> {
                while (true) {
                    try {
                        Thread.sleep(10);
                    } catch (InterruptedException e) {
                        return;
                    }
                    ticks++;
                }
            });
            ticker.setDaemon(true);
            ticker.start();
        }
        return ticks;
    }

    /** More than the heap may have: the kernel has to see to it. */
    private static Object eat() {
        List<Object> eaten = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(8 << 20);
            while (buffer.hasRemaining()) {
                buffer.put((byte) 1);
            }
            eaten.add(buffer);
        }
        while (true) {
            eaten.add(new byte[1 << 20]);
        }
    }

    private static Object heap() {
        List<byte[]> eaten = new ArrayList<>();
        while (true) {
            eaten.add(new byte[8 << 20]);
        }
    }

    private static Map<String, Object> context(Context context) throws IOException {
        Map<String, Object> told = new HashMap<>();
        ClientContext client = context.getClientContext();
        told.put("id", context.getAwsRequestId());
        told.put("arn", context.getInvokedFunctionArn());
        told.put("remaining", context.getRemainingTimeInMillis());
        told.put("name", context.getFunctionName());
        told.put("memory", context.getMemoryLimitInMB());
        told.put("custom", client == null ? null : client.getCustom());
        told.put("title", client == null ? null : client.getClient().getAppTitle());
        told.put("identity", context.getIdentity() == null ? null : context.getIdentity().getIdentityId());
        told.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
        told.put("uid", Files.getAttribute(Paths.get("/proc/self"), "unix:uid"));
        told.put("cwd", System.getProperty("user.dir"));
        told.put("task", System.getenv("LAMBDA_TASK_ROOT"));
        return told;
    }

    private static String get(String url) throws IOException {
        try (InputStream in = new URL(url).openStream()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            for (int b = in.read(); b >= 0; b = in.read()) {
                out.write(b);
            }
            return out.toString("UTF-8");
        }
    }
}
