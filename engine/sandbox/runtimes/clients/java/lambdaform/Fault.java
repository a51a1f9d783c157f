package lambdaform;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** What is reported of an error. A fatal one ends the environment. */
final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;

    final String message;
    final String type; // may be null
    final String trace; // as Java prints it; may be null
    final StackTraceElement[] frames; // null: not told
    final String blame; // Lambda-Runtime-Function-Error-Type
    final boolean fatal;

    private Fault(String message, Throwable cause, StackTraceElement[] frames, String blame, boolean fatal) {
        super(message, null, false, false);
        this.message = message;
        this.type = cause == null ? null : cause.getClass().getName();
        this.trace = cause == null ? null : print(cause);
        this.frames = frames;
        this.blame = blame;
        this.fatal = fatal;
    }

    /** Of what the function has thrown. */
    static Fault of(Throwable thrown) {
        if (thrown instanceof Fault) {
            return (Fault) thrown;
        }
        cut(thrown);
        return new Fault(text(thrown), thrown, thrown.getStackTrace(), "Runtime.UserException", false);
    }

    /** Of a function that is not what it should be. */
    static Fault unfit(String message, Throwable cause, boolean fatal) {
        return new Fault(message, cause, null, "Runtime.BadFunctionCode", fatal);
    }

    static String text(Throwable thrown) {
        String message = thrown.getLocalizedMessage();
        return message == null ? thrown.getClass().getName() : message;
    }

    /** The error as JSON. */
    byte[] body() {
        StringBuilder out = new StringBuilder("{\"errorMessage\":");
        Json.quote(out, message);
        if (type != null) {
            out.append(",\"errorType\":");
            Json.quote(out, type);
        }
        if (frames != null) {
            out.append(",\"stackTrace\":[");
            for (int i = 0; i < frames.length; i++) {
                if (i > 0) {
                    out.append(',');
                }
                Json.quote(out, frames[i].toString());
            }
            out.append(']');
        }
        return out.append('}').toString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    /** The error as it is logged. */
    String report() {
        return trace == null ? message + "\n" : message + ": " + type + "\n" + trace + "\n";
    }

    private static String print(Throwable thrown) {
        StringWriter out = new StringWriter();
        cut(thrown);
        thrown.printStackTrace(new PrintWriter(out));
        return out.toString();
    }

    /** Takes the frames of this package, and what called it, off the traces of an error and its causes. */
    static void cut(Throwable thrown) {
        cut(thrown, false);
    }

    /** With reflected, also those by which this package has called the function. */
    static void cut(Throwable thrown, boolean reflected) {
        cut(thrown, reflected, Collections.newSetFromMap(new IdentityHashMap<>()));
    }

    private static void cut(Throwable thrown, boolean reflected, Set<Throwable> seen) {
        if (thrown == null || !seen.add(thrown)) {
            return;
        }
        StackTraceElement[] trace = thrown.getStackTrace();
        for (int i = 0; i < trace.length; i++) {
            if (trace[i].getClassName().startsWith("lambdaform.")) {
                int kept = i;
                while (reflected && kept > 0 && reflects(trace[kept - 1].getClassName())) {
                    kept--;
                }
                thrown.setStackTrace(Arrays.copyOf(trace, kept));
                break;
            }
        }
        cut(thrown.getCause(), reflected, seen);
        for (Throwable suppressed : thrown.getSuppressed()) {
            cut(suppressed, reflected, seen);
        }
    }

    private static boolean reflects(String name) {
        return name.startsWith("java.lang.reflect.") || name.startsWith("jdk.internal.reflect.") || name.startsWith("sun.reflect.")
                || name.startsWith("java.lang.invoke.");
    }
}
