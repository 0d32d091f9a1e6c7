// A service that signs with current, verifies with every live key, and reads
// the keyset again whenever it is used.
//
//   mvn -q dependency:copy-dependencies
//   KEYSET=../../keys/development-auth-jwt.json ADDR=127.0.0.1:8080 java -cp 'target/dependency/*' Service.java
import com.nimbusds.jose.*;
import com.nimbusds.jose.crypto.factories.*;
import com.nimbusds.jose.jwk.*;
import com.nimbusds.jwt.*;
import com.sun.net.httpserver.HttpServer;
import java.net.*;
import java.nio.file.*;
import java.util.*;

public class Service {
    // rotate's config says how old what we know may be (propagation); a small
    // file is read faster than a signature is checked.
    static List<JWK> live() throws Exception {
        return JWKSet.parse(Files.readString(Path.of(System.getenv("KEYSET")))).getKeys();
    }

    static String sign(String subject) throws Exception {
        JWK current = live().get(0); // the first signs
        var algorithm = JWSAlgorithm.parse(current.getAlgorithm().getName());
        var header = new JWSHeader.Builder(algorithm).keyID(current.getKeyID()).build();
        var claims = new JWTClaimsSet.Builder().subject(subject).expirationTime(new Date(System.currentTimeMillis() + 3000)).build();
        var token = new SignedJWT(header, claims);
        token.sign(new DefaultJWSSignerFactory().createJWSSigner(current, algorithm));
        return token.serialize();
    }

    static String verify(String raw) throws Exception {
        var token = SignedJWT.parse(raw);
        var kid = token.getHeader().getKeyID();
        var claims = token.getJWTClaimsSet();
        if (claims.getExpirationTime().before(new Date())) throw new JOSEException("the token has expired");
        for (JWK key : live()) {
            if (kid != null && !kid.equals(key.getKeyID())) continue;
            if (!token.getHeader().getAlgorithm().equals(key.getAlgorithm())) continue; // the key's, never the token's
            var secret = key instanceof OctetSequenceKey k ? k.toSecretKey() : ((AsymmetricJWK) key).toPublicKey();
            var verifier = new DefaultJWSVerifierFactory().createJWSVerifier(token.getHeader(), secret);
            if (token.verify(verifier)) return claims.getSubject();
        }
        throw new JOSEException("no live key has signed this token");
    }

    public static void main(String[] args) throws Exception {
        var addr = System.getenv("ADDR").split(":");
        var server = HttpServer.create(new InetSocketAddress(addr[0], Integer.parseInt(addr[1])), 0);
        server.createContext("/", exchange -> {
            var query = exchange.getRequestURI().getQuery(); // one parameter: sub=… or token=…
            var value = query.substring(query.indexOf('=') + 1);
            String answer = "refused";
            try { answer = exchange.getRequestURI().getPath().equals("/token") ? sign(value) : verify(value); } catch (Exception e) { }
            exchange.sendResponseHeaders(answer.equals("refused") ? 401 : 200, 0);
            try (var body = exchange.getResponseBody()) { body.write(answer.getBytes()); }
        });
        server.start();
    }
}
