package lambdaform;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Finds the handler that a name like "pkg.Class::method" or "pkg.Class" means. A handler
 * that there is not is the error of each call, as on AWS; only a class that fails while
 * it is loaded or constructed is an error of the init.
 */
final class Handlers {
    private static final byte[] NULL = "null".getBytes(StandardCharsets.UTF_8);

    private final Core core;
    private final Class<?> type;

    private Handlers(Class<?> type, Core core) {
        this.type = type;
        this.core = core;
    }

    static Handler find(String name, ClassLoader loader, Core core) {
        int colon = name.lastIndexOf(':');
        String className = colon < 0 ? name : name.substring(0, colon > 0 && name.charAt(colon - 1) == ':' ? colon - 1 : colon);
        String method = colon < 0 ? null : name.substring(colon + 1);
        try {
            if (className.isEmpty() || method != null && method.isEmpty()) {
                throw Fault.unfit("Invalid handler: `" + name + "'", null, false);
            }
            Handlers handlers = new Handlers(load(className, loader), core);
            return method == null ? handlers.byInterface() : handlers.byMethod(method);
        } catch (Fault fault) {
            if (fault.fatal && !"java.lang.NoClassDefFoundError".equals(fault.type)) {
                throw fault;
            }
            return invocation -> {
                throw fault;
            };
        }
    }

    private static Class<?> load(String name, ClassLoader loader) {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException e) {
            throw Fault.unfit("Class not found: " + name, e, false);
        } catch (Throwable e) {
            throw Fault.unfit("Error loading class " + name + (e.getMessage() == null ? "" : ": " + e.getMessage()), e, true);
        }
    }

    private Handler byInterface() {
        if (core.streamHandler != null && core.streamHandler.isAssignableFrom(type)) {
            Method m = method(core.streamHandler);
            return streams(m, instance(), true, true, true, true);
        }
        if (core.requestHandler == null || !core.requestHandler.isAssignableFrom(type)) {
            throw Fault.unfit("Class does not implement an appropriate handler interface: " + type.getName(), null, false);
        }
        java.util.Map<TypeVariable<?>, Type> variables = Generics.variables(type);
        TypeVariable<?>[] parameters = core.requestHandler.getTypeParameters();
        Type[] types = new Type[parameters.length];
        for (int i = 0; i < types.length; i++) {
            types[i] = variables.get(parameters[i]);
            if (types[i] == null || types[i] instanceof TypeVariable && ((TypeVariable<?>) types[i]).getBounds()[0] == Object.class) {
                throw Fault.unfit("Class " + type.getName() + " does not implement RequestHandler with concrete type parameters"
                        + (types[i] == null ? "" : ": parameter " + types[i] + " has no upper bound."), null, false);
            }
        }
        return converts(method(core.requestHandler), instance(), types[0], types[1], true, true);
    }

    /** The one method of a handler's interface. */
    private static Method method(Class<?> face) {
        for (Method m : face.getMethods()) {
            if (m.getName().equals("handleRequest")) {
                return m;
            }
        }
        throw new IllegalStateException(face + " has no method handleRequest");
    }

    private Handler byMethod(String name) {
        List<Method> found = new ArrayList<>();
        try {
            for (Method m : type.getMethods()) {
                if (m.getName().equals(name)) {
                    found.add(m);
                }
            }
        } catch (NoClassDefFoundError e) {
            throw Fault.unfit("Error loading method " + name + " on class " + type.getName(), e, false);
        }
        // The most parameters win, and of as many a last one that is the context.
        found.sort(Comparator.comparing(Method::isBridge).thenComparing(m -> -m.getParameterCount() - (lastIsContext(m) ? 1 : 0)));
        for (Method m : found) {
            Handler handler = of(m);
            if (handler != null) {
                return handler;
            }
        }
        throw Fault.unfit("No public method named " + name + " with appropriate method signature found on class " + type.getName(), null, false);
    }

    private static boolean lastIsContext(Method m) {
        Class<?>[] types = m.getParameterTypes();
        return types.length > 0 && Core.isContext(types[types.length - 1]);
    }

    /** Null when a handler cannot have the method's parameters. */
    private Handler of(Method m) {
        Class<?>[] types = m.getParameterTypes();
        boolean context = lastIsContext(m);
        int given = types.length - (context ? 1 : 0);
        boolean in = given > 0 && types[0] == InputStream.class;
        boolean out = given > 0 && types[given - 1] == OutputStream.class;
        if (given > 2 || given == 2 && !(in && out)) {
            System.err.println("Ignoring an overload of " + m.getName() + ": a handler's parameters are an input or two streams, and a Context");
            return null;
        }
        m.setAccessible(true); // of a class that is not public, maybe
        Object instance = Modifier.isStatic(m.getModifiers()) ? null : instance();
        if (in || out) {
            return streams(m, instance, in, out, context, false);
        }
        return converts(m, instance, given == 0 ? null : m.getGenericParameterTypes()[0], m.getGenericReturnType(), context, false);
    }

    private Object instance() {
        Constructor<?> constructor;
        try {
            constructor = type.getConstructor();
        } catch (NoSuchMethodException e) {
            boolean inner = type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers());
            Exception why = new Exception("Class " + type.getName()
                    + (inner ? " cannot be instantiated because it is a non-static inner class" : " has no public zero-argument constructor"), e);
            throw Fault.unfit(why.getMessage(), why, false);
        }
        try {
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (InvocationTargetException e) {
            Fault.cut(e.getCause());
            throw Fault.unfit(Fault.text(e.getCause()), e.getCause(), true);
        } catch (ReflectiveOperationException e) {
            throw Fault.unfit(Fault.text(e), e, false);
        }
    }

    /** A handler whose input and output are converted; a type that is null is not there. */
    private Handler converts(Method m, Object instance, Type input, Type output, boolean context, boolean hidden) {
        Class<?> result = Generics.raw(output);
        boolean silent = result == void.class || result == Void.class;
        return invocation -> {
            core.begin(invocation);
            List<Object> args = new ArrayList<>();
            if (input != null) {
                args.add(read(invocation.payload, input));
            }
            if (context) {
                args.add(core.context(invocation));
            }
            Object value = call(m, instance, args.toArray(), hidden);
            return silent ? NULL : write(value);
        };
    }

    private static Object read(byte[] payload, Type type) {
        try {
            return Binder.bind(Json.parse(new String(payload, StandardCharsets.UTF_8)), type);
        } catch (Throwable e) {
            throw new RuntimeException("An error occurred during JSON parsing", e);
        }
    }

    private static byte[] write(Object value) {
        try {
            return Encoder.encode(value);
        } catch (Throwable e) {
            throw new RuntimeException("An error occurred during JSON serialization of response", e);
        }
    }

    /** A handler that reads and writes bytes. */
    private Handler streams(Method m, Object instance, boolean in, boolean out, boolean context, boolean hidden) {
        return invocation -> {
            core.begin(invocation);
            ByteArrayOutputStream response = new ByteArrayOutputStream(1024);
            List<Object> args = new ArrayList<>();
            if (in) {
                args.add(new ByteArrayInputStream(invocation.payload));
            }
            if (out) {
                args.add(response);
            }
            if (context) {
                args.add(core.context(invocation));
            }
            call(m, instance, args.toArray(), hidden);
            return out ? response.toByteArray() : NULL;
        };
    }

    /** Calls the function. With an interface, that this is by reflection does not show in its traces. */
    private static Object call(Method m, Object instance, Object[] args, boolean hidden) throws Throwable {
        try {
            return m.invoke(instance, args);
        } catch (InvocationTargetException e) {
            Fault.cut(e.getCause(), hidden);
            throw e.getCause();
        }
    }
}
