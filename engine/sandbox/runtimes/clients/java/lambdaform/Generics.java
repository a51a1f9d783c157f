package lambdaform;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** What the variables of generic types stand for. */
final class Generics {
    private Generics() {}

    /** The class of a type; of a variable or wildcard, its bound. */
    static Class<?> raw(Type type) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return (Class<?>) ((ParameterizedType) type).getRawType();
        }
        if (type instanceof GenericArrayType) {
            return Array.newInstance(raw(((GenericArrayType) type).getGenericComponentType()), 0).getClass();
        }
        if (type instanceof WildcardType) {
            return raw(((WildcardType) type).getUpperBounds()[0]);
        }
        return raw(((TypeVariable<?>) type).getBounds()[0]);
    }

    /** All variables of a type, its superclasses and interfaces, as far as they are known. */
    static Map<TypeVariable<?>, Type> variables(Type type) {
        Map<TypeVariable<?>, Type> known = new HashMap<>();
        collect(type, known);
        return known;
    }

    private static void collect(Type type, Map<TypeVariable<?>, Type> known) {
        if (type == null) {
            return;
        }
        Class<?> raw = raw(type);
        if (type instanceof ParameterizedType) {
            Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
            TypeVariable<?>[] variables = raw.getTypeParameters();
            for (int i = 0; i < variables.length; i++) {
                known.put(variables[i], fill(arguments[i], known));
            }
        }
        collect(raw.getGenericSuperclass(), known);
        for (Type face : raw.getGenericInterfaces()) {
            collect(face, known);
        }
    }

    /** The type with its variables replaced. */
    static Type fill(Type type, Map<TypeVariable<?>, Type> known) {
        if (type instanceof TypeVariable) {
            return known.getOrDefault(type, type);
        }
        if (type instanceof WildcardType) {
            return fill(((WildcardType) type).getUpperBounds()[0], known);
        }
        if (!(type instanceof ParameterizedType) || known.isEmpty()) {
            return type;
        }
        Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = fill(arguments[i], known);
        }
        return new Filled((ParameterizedType) type, arguments);
    }

    /** What the i-th variable of a generic class or interface is in a type; Object when that is not told. */
    static Type argument(Type type, Class<?> of, int i) {
        Type found = variables(type).get(of.getTypeParameters()[i]);
        return found == null ? Object.class : found;
    }

    private static final class Filled implements ParameterizedType {
        private final ParameterizedType origin;
        private final Type[] arguments;

        Filled(ParameterizedType origin, Type[] arguments) {
            this.origin = origin;
            this.arguments = arguments;
        }

        @Override
        public Type[] getActualTypeArguments() {
            return arguments.clone();
        }

        @Override
        public Type getRawType() {
            return origin.getRawType();
        }

        @Override
        public Type getOwnerType() {
            return origin.getOwnerType();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Filled && ((Filled) other).getRawType() == getRawType()
                    && Arrays.equals(((Filled) other).arguments, arguments);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(arguments) ^ getRawType().hashCode();
        }
    }
}
