package lambdaform;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Loads the function: classes beside each other in its directory, jars in lib below it,
 * what CLASSPATH names of layers, and aws-lambda-java-core when none of them has it.
 */
final class FunctionLoader extends URLClassLoader {
    static {
        registerAsParallelCapable();
    }

    private FunctionLoader(URL[] urls) {
        super(urls, ClassLoader.getSystemClassLoader());
    }

    static FunctionLoader create() {
        String task = System.getenv("LAMBDA_TASK_ROOT");
        if (task == null) {
            task = System.getProperty("user.dir");
        }
        String more = System.getenv("CLASSPATH");
        List<URL> urls = new ArrayList<>();
        add(urls, task);
        add(urls, task + "/lib/*");
        if (more != null) {
            for (String entry : more.split(":")) {
                add(urls, entry);
            }
        }
        add(urls, new File(System.getProperty("java.class.path")).getAbsoluteFile().getParent() + "/core.jar");
        return new FunctionLoader(urls.toArray(new URL[0]));
    }

    private static void add(List<URL> urls, String entry) {
        try {
            if (!entry.endsWith("/*")) {
                urls.add(new File(entry).toURI().toURL());
                return;
            }
            File[] jars = new File(entry.substring(0, entry.length() - 2)).listFiles((dir, name) -> name.endsWith(".jar"));
            if (jars == null) {
                return;
            }
            Arrays.sort(jars);
            for (File jar : jars) {
                urls.add(jar.toURI().toURL());
            }
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(entry, e);
        }
    }
}
