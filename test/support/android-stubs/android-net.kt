package android.net

abstract class Uri {
    abstract val scheme: String?
    abstract val host: String?
    abstract val path: String?
    abstract fun getQueryParameter(key: String): String?

    companion object {
        fun parse(uriString: String): Uri = TODO()
    }
}
