package okhttp3

import java.io.Closeable

class OkHttpClient {
    fun newCall(request: Request): Call = TODO()
}

interface Call {
    fun execute(): Response
}

class Request private constructor() {
    class Builder {
        fun url(url: String): Builder = TODO()
        fun header(name: String, value: String): Builder = TODO()
        fun post(body: RequestBody): Builder = TODO()
        fun build(): Request = TODO()
    }
}

class MediaType private constructor() {
    companion object {
        fun String.toMediaType(): MediaType = TODO()
    }
}

abstract class RequestBody {
    companion object {
        fun String.toRequestBody(contentType: MediaType? = null): RequestBody = TODO()
    }
}

class Response private constructor() : Closeable {
    val code: Int get() = TODO()
    val isSuccessful: Boolean get() = TODO()
    val body: ResponseBody? get() = TODO()
    fun header(name: String, defaultValue: String? = null): String? = TODO()
    override fun close() {}
}

abstract class ResponseBody {
    fun string(): String = TODO()
}
