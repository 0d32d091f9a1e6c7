// Nimbus JOSE+JWT and jjwt, as an application calls them: a request a line in, an
// answer a line out. The argument says which of the two.
import com.fasterxml.jackson.databind.*;
import com.nimbusds.jose.*;
import com.nimbusds.jose.crypto.factories.*;
import com.nimbusds.jose.jwk.*;
import com.nimbusds.jwt.*;
import io.jsonwebtoken.*;
import io.jsonwebtoken.io.Decoders;
import io.jsonwebtoken.security.*;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.security.spec.*;
import java.util.*;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

public class Libs {
    record Ask(boolean sign, String alg, String form, JsonNode key, String token) {}

    static final ObjectMapper json = new ObjectMapper();

    // Java itself reads a PEM of PKCS #8 or of a public key, and no other.
    static boolean lacks(String library, Ask ask) {
        if (library.equals("nimbus") && ask.alg.equals("EdDSA")) return true; // it needs Tink for that
        return ask.form.equals("pem") && ask.key.asText().matches("(?s)-----BEGIN (RSA|EC) PRIVATE.*");
    }

    static Key pem(Ask ask) throws Exception {
        var der = Base64.getMimeDecoder().decode(ask.key.asText().replaceAll("-----[A-Z ]+-----", ""));
        var kind = ask.alg.startsWith("RS") ? "RSA" : ask.alg.startsWith("ES") ? "EC" : "Ed25519";
        var factory = KeyFactory.getInstance(kind);
        return ask.sign ? factory.generatePrivate(new PKCS8EncodedKeySpec(der)) : factory.generatePublic(new X509EncodedKeySpec(der));
    }

    static byte[] secret(Ask ask) {
        return ask.form.equals("text") ? ask.key.asText().getBytes(StandardCharsets.UTF_8) : Decoders.BASE64.decode(ask.key.asText());
    }

    static Key nimbusKey(Ask ask) throws Exception {
        if (ask.form.equals("pem")) return pem(ask);
        if (!ask.form.equals("jwk")) return new SecretKeySpec(secret(ask), "HMAC");
        var jwk = JWK.parse(json.writeValueAsString(ask.key));
        if (jwk instanceof OctetSequenceKey k) return k.toSecretKey();
        return ask.sign ? ((AsymmetricJWK) jwk).toPrivateKey() : ((AsymmetricJWK) jwk).toPublicKey();
    }

    static Object nimbus(Ask ask) throws Exception {
        var key = nimbusKey(ask);
        if (!ask.sign) {
            var token = SignedJWT.parse(ask.token);
            return token.verify(new DefaultJWSVerifierFactory().createJWSVerifier(token.getHeader(), key));
        }
        var token = new SignedJWT(new JWSHeader(JWSAlgorithm.parse(ask.alg)), new JWTClaimsSet.Builder().subject("door").build());
        if (key instanceof SecretKey k) token.sign(new com.nimbusds.jose.crypto.MACSigner(k));
        else if (key instanceof java.security.interfaces.ECPrivateKey k) token.sign(new com.nimbusds.jose.crypto.ECDSASigner(k));
        else token.sign(new com.nimbusds.jose.crypto.RSASSASigner((PrivateKey) key));
        return token.serialize();
    }

    static Key jjwtKey(Ask ask) throws Exception {
        if (ask.form.equals("pem")) return pem(ask);
        if (!ask.form.equals("jwk")) return Keys.hmacShaKeyFor(secret(ask));
        return Jwks.parser().build().parse(json.writeValueAsString(ask.key)).toKey();
    }

    // signWith(key) alone chooses by the key's size: RS384 for an RSA key of 3072 bits.
    @SuppressWarnings("unchecked")
    static <K extends Key> JwtBuilder signed(JwtBuilder token, Key key, String alg) {
        return token.signWith((K) key, (SecureDigestAlgorithm<? super K, ?>) Jwts.SIG.get().forKey(alg));
    }

    static Object jjwt(Ask ask) throws Exception {
        var key = jjwtKey(ask);
        if (ask.sign) return signed(Jwts.builder().subject("door"), key, ask.alg).compact();
        var parser = Jwts.parser();
        parser = key instanceof SecretKey k ? parser.verifyWith(k) : parser.verifyWith((PublicKey) key);
        try {
            parser.build().parseSignedClaims(ask.token);
            return true;
        } catch (io.jsonwebtoken.security.SignatureException e) {
            return false;
        }
    }

    public static void main(String[] args) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            var in = json.readTree(line);
            var ask = new Ask(in.get("do").asText().equals("sign"), in.get("alg").asText(), in.get("form").asText(), in.get("key"), in.path("token").asText());
            Object answer;
            if (lacks(args[0], ask)) answer = Map.of("lacks", true);
            else answer = Map.of(ask.sign ? "token" : "verified", args[0].equals("nimbus") ? nimbus(ask) : jjwt(ask));
            System.out.println(json.writeValueAsString(answer));
        }
    }
}
