/// What docs/guides/ios.md uses of AuthenticationServices, with the signatures of Apple's documentation.
@_exported import UIKit

public typealias ASPresentationAnchor = UIWindow

@MainActor public protocol ASWebAuthenticationPresentationContextProviding: NSObjectProtocol {
    func presentationAnchor(for session: ASWebAuthenticationSession) -> ASPresentationAnchor
}

public final class ASWebAuthenticationSession: NSObject {
    public init(
        url: URL, callbackURLScheme: String?, completionHandler: @escaping (_ link: URL?, _ error: (any Error)?) -> Void
    ) {}
    public weak var presentationContextProvider: (any ASWebAuthenticationPresentationContextProviding)?
    public var prefersEphemeralWebBrowserSession = false
    @discardableResult public func start() -> Bool { true }
}
